"""Regions of skin lie where people have them, and each vertex is judged once."""

import numpy as np

from mien_training.capture.skin_regions import SKIN_REGIONS, skin_regions


def test_regions_are_where_people_have_them(anny):
    regions = skin_regions(anny)
    assert tuple(regions) == SKIN_REGIONS
    v, skin = anny.vertices, anny.regions["skin"]
    for name, members in regions.items():
        assert members.any() and not (members & ~skin).any()
        sides = members[anny.mirror][members]
        assert sides.mean() > 0.9, name
    middle = {name: v[members].mean(0) for name, members in regions.items()}
    assert middle["neck"][1] < middle["lips"][1] < middle["lids"][1] < middle["scalp"][1]
    assert middle["ears"][2] < middle["face"][2] and middle["scalp"][2] < middle["face"][2]
    assert np.abs(v[regions["ears"], 0]).min() > 0.6 * np.abs(v[regions["scalp"], 0]).max()
    outer = [regions[n] for n in ("ears", "scalp", "neck")]
    whole = regions["face"] | regions["lips"] | regions["lids"]
    assert (np.sum([whole, *outer], 0) <= 1).all()
    assert np.sum([whole, *outer], 0)[skin].mean() > 0.7
    assert not (regions["lips"] & regions["lids"]).any()
