"""A dozen points placed by hand put the other 466 where the tracker would have seen them."""

import numpy as np
import pytest
from support import template_laws

from mien.errors import InputError
from mien_training.templates.gltf.placed_landmarks import (
    LANDMARK_POINTS,
    NEEDED,
    landmarks_from_points,
)
from mien_training.templates.landmarks import with_landmarks


def placed(anny, names):
    points = anny.landmarks.positions(anny.vertices, anny.triangles)
    return {name: points[LANDMARK_POINTS[name]].astype(float) for name in names}


@pytest.mark.parametrize(("names", "off_m"), [(NEEDED, 0.004), (tuple(LANDMARK_POINTS), 0.003)])
def test_points_come_out_where_the_tracker_sees_them(anny, names, off_m):
    found = landmarks_from_points(anny, placed(anny, names))
    seen = anny.landmarks.positions(anny.vertices, anny.triangles)
    mine = found.positions(anny.vertices, anny.triangles)
    assert np.isfinite(mine).all()
    np.testing.assert_allclose(found.barycentric.sum(1), 1, atol=1e-5)
    assert np.median(np.linalg.norm(mine - seen, axis=1)) < off_m
    for name in names:
        index = LANDMARK_POINTS[name]
        assert np.linalg.norm(mine[index] - seen[index]) < 5e-4, name


def test_regions_come_from_placed_points_too(anny):
    from dataclasses import replace

    names = tuple(LANDMARK_POINTS)
    head = replace(anny, landmarks=landmarks_from_points(anny, placed(anny, names)))
    kept = with_landmarks(head)
    np.testing.assert_array_equal(kept.landmarks.triangle, head.landmarks.triangle)
    template_laws.check_regions(kept)
    template_laws.check_landmarks(kept)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.pop("chin"), r"chin missing; needed are"),
        (lambda p: p.update(elbow=np.zeros(3)), r"no point 'elbow'"),
        (lambda p: p.update(noseTip=np.full(3, 9.0)), r"'noseTip' lies .* m from the skin"),
        (lambda p: p.update(leftEyeOuter=p["rightEyeOuter"], rightEyeOuter=p["leftEyeOuter"]),
         r"character's own"),
    ],
)  # fmt: skip
def test_wrong_points(anny, change, message):
    points = placed(anny, NEEDED)
    change(points)
    with pytest.raises(InputError, match=message):
        landmarks_from_points(anny, points)
