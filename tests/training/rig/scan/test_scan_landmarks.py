"""The tracker's points on a scan that stands in any way and unit."""

from dataclasses import replace

import numpy as np
import pytest
from support.scans import known_scan

from mien.errors import InputError
from mien_training.cameras import look_at_camera, project
from mien_training.footage.scanned.scan import Scan
from mien_training.geometry.alignment import Alignment
from mien_training.rig.scan.render_scan import render_scan
from mien_training.rig.scan.scan_landmarks import find_landmarks

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


@pytest.fixture(scope="module")
def lying(template):
    """On its back, no unit stated."""
    return known_scan(template, turn=(-1.5, 0.1, 0.2), metres_per_unit=None)


@pytest.fixture(scope="module")
def found(template, lying):
    return find_landmarks(lying.scan, template)


def test_points_lie_where_they_belong(template, lying, found):
    assert not found.texture_flipped
    true = template.landmarks.positions(lying.expression, template.triangles).astype(np.float64)
    placed = (found.points - lying.shift) @ lying.rotation / lying.scale
    good = found.confidence > 0.3
    assert good.sum() > 150
    assert np.median(np.linalg.norm(placed - true, axis=1)[good]) < 0.003


def test_millimetres_are_recognised(found):
    assert found.scan.metres_per_unit == 0.001 and not found.size_is_guessed


def test_another_unit_is_taken_for_the_mean_head(template):
    odd = known_scan(template, turn=(0.0, 0.2, 0.0), scale=50.0, metres_per_unit=None).scan
    found = find_landmarks(odd, template, flip_texture=False)
    assert found.size_is_guessed
    assert found.scan.metres_per_unit == found.rig_from_scan.scale
    assert np.isclose(found.scan.metres_per_unit, 0.02, rtol=0.15)


def test_a_wrong_unit_is_refused(template, lying):
    with pytest.raises(
        InputError, match=r"known: in units of 0\.01 m its face is .* times as large as a person's"
    ):
        find_landmarks(replace(lying.scan, metres_per_unit=0.01), template)


def test_no_face_is_refused(template):
    import trimesh

    ball = trimesh.creation.icosphere(3)
    scan = Scan("ball.ply", np.asarray(ball.vertices), np.asarray(ball.faces))
    with pytest.raises(InputError, match=r"ball\.ply: the tracker sees no face"):
        find_landmarks(scan, template)


def test_a_picture_knows_its_points(lying):
    still = Alignment(np.eye(3), np.zeros(3))
    middle = lying.scan.vertices.mean(0)
    camera = look_at_camera(middle + [0, 900, 0], middle, 0.3, 200, 160, (0, 0, -1))
    picture = render_scan(lying.scan, still, camera, samples=2)
    assert picture.image.shape == (160, 200, 3) and picture.points.shape == (320, 400, 3)
    row, column = np.nonzero(np.isfinite(picture.points[..., 0]))
    pixels, _ = project(camera, picture.points[row, column])
    np.testing.assert_allclose(pixels, np.stack([column + 0.5, row + 0.5], 1) / 2, atol=0.01)
    points, normals, there = picture.under(pixels[::50])
    assert there.all()
    np.testing.assert_allclose(points, picture.points[row, column][::50])
    # What is seen faces the camera, by and large.
    assert np.mean(((camera.centre - points) * normals).sum(1) > 0) > 0.97
    _, _, outside = picture.under(np.array([[0.5, 0.5]]))
    assert not outside.any()
