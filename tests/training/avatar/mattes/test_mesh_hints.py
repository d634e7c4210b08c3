"""Distances have the mesh's sign, and are measured by the head, not by pixels."""

import numpy as np

from mien_training.avatar.mattes.mesh_hints import HINTS, head_height, hints


def square(side, scale=1):
    mask = np.zeros((side * scale, side * scale), bool)
    mask[10 * scale : 30 * scale, 10 * scale : 30 * scale] = True
    return mask


def test_signs_and_range():
    mask = square(48)
    told = hints(np.zeros((48, 48, 3), np.uint8), mask, 20)
    assert told.shape == (HINTS, 48, 48) and told.dtype == np.float32
    assert (told[4][mask] > 0).all() and (told[4][~mask] < 0).all()
    assert (told[:3] == -1).all() and (told[3] == np.where(mask, 1, -1)).all()
    assert np.abs(told).max() <= 1


def test_the_head_is_the_measure():
    small, large = square(48), square(48, 3)
    assert head_height(large[None]) == 3 * head_height(small[None]) == 60
    near, far = (
        hints(np.zeros((*m.shape, 3), np.uint8), m, head_height(m[None]))[4] for m in (small, large)
    )
    np.testing.assert_allclose(far[1::3, 1::3], near, atol=0.15)


def test_nothing_and_everything():
    image = np.full((8, 8, 3), 255, np.uint8)
    for value in (False, True):
        mask = np.full((8, 8), value)
        told = hints(image, mask, head_height(mask[None]))
        assert (told[4] == (1 if value else -1)).all() and (told[:3] == 1).all()
