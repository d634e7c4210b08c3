"""Regions name what pixels show; the outline is a band of the width asked for."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.synthetic.avatar.region_masks import (
    REGIONS,
    RegionMasks,
    outline_band,
    triangle_regions,
)


def test_every_triangle_has_a_region(anny):
    regions = triangle_regions(anny, 5)
    assert len(regions) == len(anny.triangles) + 6
    assert regions[-1] == -1 and (regions[-6:-1] == REGIONS.index("hair")).all()
    own = regions[: len(anny.triangles)]
    assert (own[anny.triangle_material == 1] == REGIONS.index("eyes")).all()
    assert (own[anny.triangle_material >= 2] == REGIONS.index("mouth")).all()
    lips = anny.regions["lips"][anny.triangles].all(1) & (anny.triangle_material == 0)
    assert (own[lips] == REGIONS.index("features")).all()
    assert (own[anny.triangle_material == 0] == REGIONS.index("skin")).mean() > 0.7


def test_the_face_has_all_regions_at_their_places(frames):
    rows = np.arange(128)[:, None] * np.ones(128)
    middle = {}
    for name in REGIONS:
        mask = frames.masks.mask(name)[1]  # brows up, mouth open
        assert mask.any(), name
        middle[name] = rows[mask].mean()
    assert middle["eyes"] < middle["mouth"]
    assert (sum(frames.masks.mask(name).astype(int) for name in REGIONS) <= 1).all()


def test_the_outline_is_a_band():
    y, x = np.mgrid[:64, :64]
    alpha = ((x - 32) ** 2 + (y - 32) ** 2 < 400).astype(np.float32)
    band = outline_band(alpha, 3)
    away = np.abs(np.hypot(x - 32, y - 32) - 20)
    assert away[band].max() < 4 and (away[~band] > 1.5).all()
    assert not outline_band(np.zeros((8, 8), np.float32), 3).any()


def test_unknown_regions_are_refused():
    none = np.zeros((1, 2, 2), np.bool_)
    masks = RegionMasks(none.astype(np.int8), none, none)
    with pytest.raises(InputError, match="'ears', expected one of skin"):
        masks.mask("ears")
