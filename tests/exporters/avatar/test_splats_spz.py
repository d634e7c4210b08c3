"""Splats in an SPZ file come back as far as its bytes go; files that lie cost no memory."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from support.clouds import random_cloud

from mien.avatar import Splats
from mien.errors import InputError, MienError
from mien_exporters.avatar.splat_units import unit_rotations
from mien_exporters.avatar.splats_spz import splats_from_spz, splats_to_spz

VERSIONS = (2, 3)


@pytest.fixture(scope="module")
def cloud():
    return random_cloud(500)


def degrees_apart(a, b):
    cosine = np.abs((unit_rotations(a) * unit_rotations(b)).sum(1))
    return np.degrees(2 * np.arccos(np.clip(cosine, 0, 1)))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_comes_back_is_as_near_as_promised(cloud, version):
    back = splats_from_spz(splats_to_spz(cloud, version))
    assert np.abs(back.means - cloud.means).max() < 1e-6
    assert np.abs(np.log(back.scales / cloud.scales)).max() < 1 / 32 + 1e-6
    assert np.abs(back.opacities - cloud.opacities).max() < 0.5 / 255 + 1e-6
    assert np.abs(back.colours - cloud.colours).max() < 0.004
    apart = degrees_apart(back, cloud)
    assert apart.max() < (0.2 if version == 3 else 10)
    assert np.median(apart) < (0.2 if version == 3 else 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_read_is_written_the_same(cloud, version):
    once = splats_from_spz(splats_to_spz(cloud, version))
    twice = splats_from_spz(splats_to_spz(once, version))
    for name in ("means", "scales", "opacities", "colours"):
        assert np.array_equal(getattr(once, name), getattr(twice, name)), name
    assert degrees_apart(once, twice).max() < (0.1 if version == 3 else 10)


def test_every_largest_component_and_sign_is_packed():
    q = np.array([[s * (k == j) or 0.3 for j in range(4)] for k in range(4) for s in (-1, 1)])
    q[::3, 1] *= -1
    count = len(q)
    splats = Splats(
        np.zeros((count, 3)), q, np.ones((count, 3)), np.ones(count), np.ones((count, 3))
    )
    assert degrees_apart(splats_from_spz(splats_to_spz(splats)), splats).max() < 0.2


def test_the_same_splats_give_the_same_bytes(cloud):
    assert splats_to_spz(cloud) == splats_to_spz(cloud)


def test_clouds_far_out_keep_their_place():
    far = random_cloud(20)
    for metres in (7.9, 100, 7000):
        moved = Splats(
            far.means + np.float32(metres), far.rotations, far.scales, far.opacities, far.colours
        )
        back = splats_from_spz(splats_to_spz(moved))
        assert np.abs(back.means - moved.means).max() < 4e-7 * metres + 1e-6
    with pytest.raises(InputError, match="within 8 km"):
        splats_to_spz(
            Splats(far.means + 1e4, far.rotations, far.scales, far.opacities, far.colours)
        )


def test_a_cloud_of_none_comes_back():
    assert len(splats_from_spz(splats_to_spz(random_cloud(0)))) == 0


def test_other_versions_are_not_written(cloud):
    with pytest.raises(InputError, match="version 4"):
        splats_to_spz(cloud, 4)


def packed(magic=0x5053474E, version=3, count=2, degree=0, bits=12, flags=0, body=b"\0" * 40):
    # Bytes name the tests, and workers must agree on names: no time in them.
    header = struct.pack("<IIIBBBB", magic, version, count, degree, bits, flags, 0)
    return gzip.compress(header + body, mtime=0)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "too short"),
        (b"NGSP" * 20, "not an SPZ"),
        (gzip.compress(b"short", mtime=0), "too short"),
        (packed(magic=1), "not an SPZ"),
        (packed(version=1), "version 2 or 3"),
        (packed(version=4), "version 2 or 3"),
        (packed(degree=3), "degree 3"),
        (packed(flags=1), "flags 1"),
        (packed(bits=24), "24 fractional"),
        (packed(count=1), "other than 1"),
        (packed(count=3), "other than 3"),
        (packed(count=2**32 - 1), "4294967295 Gaussians: needs"),
        (packed()[:-1], "other than 2"),
        (packed()[:-8] + b"\0" * 8, "not an SPZ"),
    ],
)
def test_hostile_files_are_refused(data, text):
    with pytest.raises(InputError, match=text):
        splats_from_spz(data)


def test_a_bomb_costs_no_memory():
    data = packed(body=b"\0" * (64 << 20))
    tracemalloc.start()
    with pytest.raises(InputError, match="other than 2"):
        splats_from_spz(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_no_damage_gives_a_traceback(cloud):
    whole, rng = gzip.decompress(splats_to_spz(cloud)), np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for place in rng.integers(0, 24, 2):
            data[place] = rng.integers(256)
        try:
            splats_from_spz(gzip.compress(bytes(data[: rng.integers(len(data)) + 1])))
        except MienError:
            pass
