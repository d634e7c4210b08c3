"""Camera arrays stand where their layout says, see the subject whole, and repeat themselves."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import project
from mien_training.cameras.arrays import ArraySpec, camera_array

MIDDLE = np.array([0.01, 0.12, 0.05])
HEIGHT = 0.3
EXACT = {"lens_variation": 0.0, "distortion": 0.0, "centre_offset": 0.0, "jitter_rad": 0.0}


def around(cameras):
    """(C,) azimuths and elevations of cameras about the subject, radians."""
    towards = np.stack([camera.centre for camera in cameras]) - MIDDLE
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    return np.arctan2(towards[:, 0], towards[:, 2]), np.arcsin(towards[:, 1])


def test_an_arc_spans_its_angle_evenly():
    cameras = camera_array(ArraySpec("arc", 5, spread_rad=1.2, **EXACT), MIDDLE, HEIGHT, 0)
    azimuth, elevation = around(cameras)
    np.testing.assert_allclose(azimuth, np.linspace(-0.6, 0.6, 5), atol=1e-9)
    np.testing.assert_allclose(elevation, 0.05, atol=1e-9)


def test_a_ring_goes_all_the_way_round():
    azimuth, _ = around(camera_array(ArraySpec("ring", 8, **EXACT), MIDDLE, HEIGHT, 0))
    np.testing.assert_allclose(np.sort(azimuth % (2 * np.pi)), np.arange(8) * np.pi / 4, atol=1e-9)


def test_a_dome_covers_its_cap_and_no_more():
    cameras = camera_array(ArraySpec("dome", 16, spread_rad=2.0, **EXACT), MIDDLE, HEIGHT, 0)
    towards = np.stack([c.centre for c in cameras]) - MIDDLE
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    angle = np.arccos(towards[:, 2])
    assert angle.max() < 1.0 and angle.min() < 0.3
    for axis in (0, 1):  # on all sides of the front
        assert towards[:, axis].min() < -0.5 and towards[:, axis].max() > 0.5
    apart = np.arccos((towards @ towards.T - 2 * np.eye(16)).max(1))
    assert apart.min() > 0.25


@pytest.mark.parametrize("layout", ["arc", "ring", "dome"])
def test_every_lens_sees_the_subject_as_large_as_asked(layout):
    spec = ArraySpec(layout, 16, width=300, height=400, fill=0.6)
    cameras = camera_array(spec, MIDDLE, HEIGHT, 4)
    fields = []
    for camera in cameras:
        ends = MIDDLE + [[0, -HEIGHT / 2, 0], [0, HEIGHT / 2, 0]]
        pixels, depth = project(camera, ends)
        assert depth.min() > 0.1
        assert np.linalg.norm(pixels[1] - pixels[0]) == pytest.approx(0.6 * 300, rel=0.25)
        assert (pixels > 0).all() and (pixels < [300, 400]).all()
        assert pixels[1, 1] < pixels[0, 1]  # upright
        fields.append(camera.K[1, 1])
    assert np.std(np.log(fields)) > 0.1  # lenses differ
    assert len({camera.k1 for camera in cameras}) == 16


def test_a_seed_repeats_and_differs():
    spec = ArraySpec("dome", 4)
    a, b, c = (camera_array(spec, MIDDLE, HEIGHT, seed) for seed in (1, 1, 2))
    for one, same, other in zip(a, b, c, strict=True):
        np.testing.assert_array_equal(one.camera_from_world, same.camera_from_world)
        np.testing.assert_array_equal(one.K, same.K)
        assert np.abs(one.camera_from_world - other.camera_from_world).max() > 1e-4


@pytest.mark.parametrize(
    "wrong",
    [{"layout": "heap"}, {"count": 1}, {"count": 17}, {"width": 8}, {"spread_rad": 0.0},
     {"fov_rad": 2.5}, {"fill": 0.0}, {"elevation_rad": 1.5}, {"lens_variation": -0.1},
     {"jitter_rad": float("nan")}],
)  # fmt: skip
def test_arrays_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        replace(ArraySpec(), **wrong)
    with pytest.raises(InputError, match="height_m"):
        camera_array(ArraySpec(), MIDDLE, 0.0, 0)
