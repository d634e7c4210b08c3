"""Backdrops have the size asked for, differ, and follow from their random numbers."""

import numpy as np
import pytest

from mien_training.synthetic.avatar.backdrops import draw_backdrop

OTHER = np.full((20, 20, 3), 200, np.uint8)


@pytest.mark.parametrize(("height", "width"), [(40, 40), (32, 56)])
def test_size_and_repeatability(height, width):
    for seed in range(12):
        first, again = (
            draw_backdrop(np.random.default_rng(seed), height, width, OTHER) for _ in range(2)
        )
        assert first.shape == (height, width, 3) and first.dtype == np.uint8
        np.testing.assert_array_equal(first, again)


def test_there_are_plain_and_busy_ones():
    edges = []
    for seed in range(40):
        image = draw_backdrop(np.random.default_rng(seed), 48, 48).astype(float)
        edges.append(np.abs(np.diff(image, axis=1)).mean())
    assert min(edges) < 3 and max(edges) > 15
