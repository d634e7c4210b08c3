"""Rectangles fill the square, have the areas asked for and do not overlap."""

import numpy as np
import pytest

from mien_training.avatar.anchors.layout.packing import cut_up


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_rectangles_fill_the_square(count):
    shares = np.random.default_rng(count).uniform(0.1, 1, count) ** 2
    boxes = np.array(cut_up(shares.tolist(), (0.0, 0.0, 1.0, 1.0)))
    np.testing.assert_allclose(boxes[:, 2] * boxes[:, 3], shares / shares.sum(), atol=1e-12)
    assert boxes[:, :2].min() > -1e-12 and (boxes[:, :2] + boxes[:, 2:]).max() < 1 + 1e-12
    for i in range(count):
        for j in range(i):
            low = np.maximum(boxes[i, :2], boxes[j, :2])
            high = np.minimum((boxes[i, :2] + boxes[i, 2:]), (boxes[j, :2] + boxes[j, 2:]))
            assert (high - low).min() < 1e-9
    long = np.maximum(boxes[:, 2] / boxes[:, 3], boxes[:, 3] / boxes[:, 2])
    assert np.median(long) < 2.5
