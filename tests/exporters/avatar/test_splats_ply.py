"""Splats in a PLY file come back; headers that lie are refused."""

import numpy as np
import pytest
from support.clouds import random_cloud

from mien.errors import InputError, MienError
from mien_exporters.avatar.splat_units import unit_rotations
from mien_exporters.avatar.splats_ply import splats_from_ply, splats_to_ply


@pytest.fixture(scope="module")
def cloud():
    return random_cloud(40)


def test_everything_comes_back(cloud):
    back = splats_from_ply(splats_to_ply(cloud))
    assert np.array_equal(back.means, cloud.means)
    assert np.array_equal(back.rotations, unit_rotations(cloud).astype(np.float32))
    assert np.abs(back.scales / cloud.scales - 1).max() < 1e-6
    assert np.abs(back.opacities - cloud.opacities).max() < 1e-6
    assert np.abs(back.colours - cloud.colours).max() < 2e-7


def test_the_layout_is_that_of_3dgs(cloud):
    header, body = splats_to_ply(cloud).split(b"end_header\n", 1)
    names = [line.split()[2].decode() for line in header.splitlines() if b"property" in line]
    assert len(body) == 40 * 4 * len(names) and header.startswith(b"ply\n")
    row = dict(zip(names, np.frombuffer(body, "<f4", len(names)), strict=True))
    q = unit_rotations(cloud)[0]
    assert [row[f"rot_{i}"] for i in range(4)] == pytest.approx([q[3], *q[:3]], abs=1e-6)
    assert row["scale_1"] == pytest.approx(np.log(cloud.scales[0, 1]), abs=1e-6)
    o = cloud.opacities[0]
    assert row["opacity"] == pytest.approx(np.log(o / (1 - o)), abs=1e-5)
    assert row["f_dc_2"] == pytest.approx((cloud.colours[0, 2] - 0.5) / 0.2820948, abs=1e-5)


def test_the_same_splats_give_the_same_bytes(cloud):
    assert splats_to_ply(cloud) == splats_to_ply(cloud)


def test_a_cloud_of_none_comes_back():
    assert len(splats_from_ply(splats_to_ply(random_cloud(0)))) == 0


def test_other_fields_and_orders_are_read(cloud):
    """Fields are found by name: a byte more between them and coefficients of higher degrees."""
    header, body = splats_to_ply(cloud).split(b"end_header\n", 1)
    rows = np.frombuffer(body, np.uint8).reshape(40, -1)
    more = b"property uchar label\nproperty float f_rest_0\nend_header\n"
    wider = np.concatenate([rows, np.zeros((40, 5), np.uint8)], 1).tobytes()
    back = splats_from_ply(header.replace(b"ply\n", b"ply\ncomment x\n", 1) + more + wider)
    assert np.array_equal(back.means, cloud.means)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (b"ply\n", b"plx\n", "not a PLY"),
        (b"end_header\n", b"end_headex\n", "not a PLY"),
        (b"binary_little_endian", b"ascii", "'format ascii 1.0'"),
        (b"vertex 40", b"vertex 41", "41 vertices of 68 bytes"),
        (b"vertex 40", b"vertex 999999999", "999999999 vertices"),
        (b"vertex 40", b"vertex 9999999999999", "header line"),
        (b"vertex 40", b"vertex -4", "header line"),
        (b"element vertex", b"element face", "header line"),
        (b"float opacity", b"float opacitx", "lacks opacity"),
        (b"float opacity", b"list uchar int opacity", "header line"),
        (b"float opacity", b"float128 opacity", "header line"),
        (b"float scale_1", b"float scale_0", "header line"),
    ],
)
def test_hostile_headers_are_refused(cloud, old, new, text):
    with pytest.raises(InputError, match=text):
        splats_from_ply(splats_to_ply(cloud).replace(old, new, 1))


def test_numbers_that_are_none_are_refused(cloud):
    data = splats_to_ply(cloud)
    start = len(data) - 40 * 68
    for place, text in ((0, "means must be finite"), (4 * 10, "scales must be finite")):
        spoilt = bytearray(data)
        at = start + place
        spoilt[at : at + 4] = np.float32(np.nan if place == 0 else 1e6).tobytes()
        with pytest.raises(InputError, match=text):
            splats_from_ply(bytes(spoilt))


def test_no_damage_gives_a_traceback(cloud):
    whole, rng = splats_to_ply(cloud), np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for place in rng.integers(0, 600, 3):
            data[place] = rng.integers(256)
        try:
            splats_from_ply(bytes(data[: rng.integers(len(data)) + 1]))
        except MienError:
            pass
