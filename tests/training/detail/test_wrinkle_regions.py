"""Regions share the atlas softly, and left and right are mirror images."""

import numpy as np
import pytest

from mien_training.detail.wrinkle_regions import REGION_NAMES, region_masks
from mien_training.rendering.relief.face_atlas import atlas_chart


def test_shares_are_of_one_whole():
    masks = region_masks(64)
    assert masks.shape == (len(REGION_NAMES), 64, 64) and masks.dtype == np.float32
    assert masks.min() >= 0 and masks.sum(0).max() <= 1
    assert (masks.sum(0)[24:44, 24:40] > 0.5).all()


def test_sides_mirror_and_lie_on_their_side():
    masks = region_masks(64)
    for left, name in enumerate(REGION_NAMES):
        if not name.endswith("Left"):
            continue
        right = REGION_NAMES.index(name[:-4] + "Right")
        np.testing.assert_allclose(masks[right], masks[left, :, ::-1], atol=1e-6)
        across = atlas_chart(64)[:, 0]
        assert (masks[left].ravel() * across).sum() > 0


def test_each_region_has_texels_of_its_own():
    masks = region_masks(128)
    most = masks.argmax(0)[masks.sum(0) > 0.5]
    assert set(most) == set(range(len(REGION_NAMES)))
    assert len(set(REGION_NAMES)) == len(REGION_NAMES)


def test_sizes_show_the_same_regions():
    halved = region_masks(128).reshape(-1, 64, 2, 64, 2).mean((2, 4))
    np.testing.assert_allclose(halved, region_masks(64), atol=0.02)


def test_nobody_may_write_into_them():
    with pytest.raises(ValueError, match="read-only"):
        region_masks(64)[0, 0, 0] = 1
