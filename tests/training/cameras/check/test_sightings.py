"""Derivatives of sightings are those of `project`, and changes are what they say."""

from dataclasses import replace

import numpy as np
import pytest
from support.sightings import MIDDLE, rig, seen_by

from mien.errors import InputError
from mien_training.cameras import project
from mien_training.cameras.check.sightings import CHANGES, changed_camera, linearise


def test_residuals_and_derivatives_are_those_of_projection():
    cameras = rig(3)
    seen = seen_by(cameras, cameras, moments=2, points=5, noise_m=0.003)
    rng = np.random.default_rng(0)
    points = seen.points + rng.normal(0, 0.01, seen.points.shape)
    lines = linearise(seen, cameras, points, MIDDLE)
    small = 1e-6

    def residual(cams, places):
        found = np.stack([project(cams[c], places[p])[0]
                          for c, p in zip(seen.camera, seen.point, strict=True)])  # fmt: skip
        return found - seen.pixel

    np.testing.assert_allclose(lines.residual, residual(cameras, points), atol=1e-9)
    for axis in range(3):
        step = small * np.eye(3)[axis]
        slope = (residual(cameras, points + step) - residual(cameras, points - step)) / (2 * small)
        np.testing.assert_allclose(lines.by_point[..., axis], slope, rtol=1e-5, atol=1e-4)
    for k in range(CHANGES):
        step = small * np.eye(CHANGES)[k]
        ends = [
            residual([changed_camera(c, s * step, MIDDLE) for c in cameras], points)
            for s in (1, -1)
        ]
        slope = (ends[0] - ends[1]) / (2 * small)
        np.testing.assert_allclose(lines.by_camera[..., k], slope, rtol=1e-5, atol=1e-3)


def test_turning_about_a_place_does_not_move_it():
    camera = rig(2)[0]
    turned = changed_camera(camera, [0.1, -0.2, 0.3, 0, 0, 0, 0], MIDDLE)
    np.testing.assert_allclose(project(turned, MIDDLE)[0], project(camera, MIDDLE)[0], atol=1e-9)
    longer = changed_camera(camera, [0, 0, 0, 0, 0, 0, np.log(2)], MIDDLE)
    np.testing.assert_allclose(longer.K[:2, :2], 2 * camera.K[:2, :2])
    np.testing.assert_array_equal(longer.K[:2, 2], camera.K[:2, 2])


def test_what_lies_behind_a_camera_has_no_say():
    cameras = rig(2)
    seen = seen_by(cameras, cameras, moments=1, points=4)
    behind = seen.points.copy()
    behind[0] = cameras[0].centre - 2 * (MIDDLE - cameras[0].centre)
    lines = linearise(seen, cameras, behind, MIDDLE)
    row = (seen.point == 0) & (seen.camera == 0)
    assert not lines.valid[row].any() and lines.valid[~row & (seen.camera == 0)].all()
    assert not lines.residual[row].any() and not lines.by_point[row].any()


def test_nonsense_is_refused():
    cameras = rig(2)
    seen = seen_by(cameras, cameras, moments=1, points=4)
    for field, bad in (
        ("pixel", np.full_like(seen.pixel, np.nan)), ("weight", -seen.weight),
        ("camera", seen.camera + 2), ("point", seen.point[:2]),
    ):  # fmt: skip
        with pytest.raises(InputError, match=field):
            replace(seen, **{field: bad})
