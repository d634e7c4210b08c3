"""Packed moments come back as they were, labels within their steps."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.synthetic.capture.dataset.packing import (
    moments_in,
    pack_moments,
    unpack_moment,
)


def test_a_moment_comes_back(moment, anny):
    packed = pack_moments([moment, moment], anny)
    assert moments_in(packed) == 2
    again = unpack_moment(packed, 1)
    for name in ("images", "part", "mask", "visible", "vertices", "world_from_head", "weights"):
        np.testing.assert_array_equal(getattr(again, name), getattr(moment, name), err_msg=name)
    assert (again.person, again.rig, again.seed) == (moment.person, moment.rig, moment.seed)
    np.testing.assert_allclose(again.canonical, moment.canonical, atol=4e-6)
    cosine = (again.normals * moment.normals).sum(-1)
    head = (moment.normals != 0).any(-1)
    assert np.degrees(np.arccos(cosine[head].clip(-1, 1))).max() < 0.45
    assert not again.normals[~head].any() and not again.canonical[~head].any()
    for name in ("cameras", "believed"):
        for a, b in zip(getattr(again, name), getattr(moment, name), strict=True):
            np.testing.assert_array_equal(a.K, b.K)
            np.testing.assert_array_equal(a.camera_from_world, b.camera_from_world)
            assert (a.k1, a.k2, a.width, a.height) == (b.k1, b.k2, b.width, b.height)
    np.testing.assert_array_equal(again.scan.points, moment.scan.points)
    np.testing.assert_array_equal(again.scan.triangle, moment.scan.triangle)


def test_packing_again_changes_next_to_nothing(moment, anny):
    packed = pack_moments([moment], anny)
    again = pack_moments([unpack_moment(packed, 0)], anny)
    assert packed.keys() == again.keys()
    for name, value in packed.items():
        step = 1 if name.endswith("directions") else 0  # unit length once more, and once rounded
        np.testing.assert_allclose(value, again[name], rtol=0, atol=step, err_msg=name)


def test_a_missing_field_is_named(moment, anny):
    packed = pack_moments([moment], anny)
    del packed["0/vertices"]
    with pytest.raises(InputError, match="'vertices'"):
        unpack_moment(packed, 0)
