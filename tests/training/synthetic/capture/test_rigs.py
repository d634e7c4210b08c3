"""Rigs differ in everything, repeat themselves, and always see a head at their centre."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import project
from mien_training.synthetic.capture.rigs import HEAD_M, LAYOUTS, RigSpec, draw_rig


def head_points():
    """A ball as tall as a head."""
    points = np.random.default_rng(0).standard_normal((400, 3))
    return 0.5 * HEAD_M * points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_camera_sees_most_of_a_head_at_the_centre(layout):
    spec = RigSpec(layouts=(layout,))
    for seed in range(40):
        cameras = draw_rig(spec, seed)
        assert 2 <= len(cameras) <= 16
        assert len({(c.width, c.height) for c in cameras}) == 1
        for camera in cameras:
            pixels, depth = project(camera, head_points())
            inside = (pixels >= 0).all(1) & (pixels <= (camera.width, camera.height)).all(1)
            assert (depth > 0).all() and inside.mean() > 0.9


def test_cameras_stand_where_the_spec_says_and_apart_from_each_other():
    spec = RigSpec(distance_m=(0.6, 0.9), azimuth_rad=1.2, jitter_rad=0.0)
    for seed in range(60):
        places = np.stack([camera.centre for camera in draw_rig(spec, seed)])
        distance = np.linalg.norm(places, axis=1)
        assert distance.min() > 0.6 - 1e-9 and distance.max() < 0.9 + 1e-9
        assert np.abs(np.arctan2(places[:, 0], places[:, 2])).max() < 1.2 + 1e-9
        ways = places / distance[:, None]
        assert np.arccos(np.clip(ways @ ways.T, -1, 1))[np.triu_indices(len(ways), 1)].min() > 0.05


def test_rigs_differ_and_are_functions_of_their_seed():
    rigs = [draw_rig(RigSpec(), seed) for seed in range(60)]
    assert {len(rig) for rig in rigs} == set(range(2, 17))
    sizes = {(rig[0].width, rig[0].height) for rig in rigs}
    assert len(sizes) == 5 and max(max(size) for size in sizes) == 192
    for rig, again in zip(rigs[:5], [draw_rig(RigSpec(), seed) for seed in range(5)], strict=True):
        for camera, other in zip(rig, again, strict=True):
            np.testing.assert_array_equal(camera.K, other.K)
            np.testing.assert_array_equal(camera.camera_from_world, other.camera_from_world)
            assert (camera.k1, camera.k2) == (other.k1, other.k2)


def test_lenses_bend_but_never_fold():
    for seed in range(60):
        for camera in draw_rig(RigSpec(distortion=0.3), seed):
            radius = np.linspace(0, 1.5, 200)
            bent = radius * (1 + radius**2 * (camera.k1 + radius**2 * camera.k2))
            assert (np.diff(bent) > 0).all()
            assert camera.k1 != 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"layouts": ()}, "layouts"),
        ({"layouts": ("spiral",)}, "layouts"),
        ({"views": (1, 4)}, "views"),
        ({"views": (8, 4)}, "views"),
        ({"views": (2, 17)}, "views"),
        ({"long_side": 8}, "long_side"),
        ({"distance_m": (0.1, 1.0)}, "inside a head"),
        ({"distance_m": (1.0, float("nan"))}, "distance_m"),
        ({"fill": (0.5, 1.5)}, "fill"),
        ({"azimuth_rad": 0.0}, "azimuth_rad"),
        ({"distortion": -0.1}, "distortion"),
    ],
)
def test_values_out_of_range_are_refused(changes, field):
    with pytest.raises(InputError, match=field):
        replace(RigSpec(), **changes)
