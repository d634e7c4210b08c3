"""Nearest places on a scan, both ways, and what a scan may pull at."""

import numpy as np
import pytest
import trimesh

from mien_training.footage.scanned.scan import Scan
from mien_training.geometry.alignment import Alignment
from mien_training.rig.scan.ears import ear_modes, ear_rims
from mien_training.rig.scan.scan_target import ScanTarget, attraction, corner_shares, rim_triangles
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def anny():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    return load_template("anny")


def ball_scan(cut=None):
    mesh = trimesh.creation.icosphere(4)
    faces = np.asarray(mesh.faces)
    if cut is not None:
        faces = faces[mesh.triangles_center[:, 1] < cut]
    return Scan("ball", np.asarray(mesh.vertices), faces)


def test_matches_lie_on_the_moved_surface_and_face_outwards():
    rng = np.random.default_rng(0)
    outwards = rng.standard_normal((50, 3))
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    placed = Alignment(np.eye(3)[[1, 2, 0]], np.array([1.0, 2.0, 3.0]), 0.5)
    points = placed.translation + 0.55 * outwards
    match = ScanTarget(ball_scan()).match(placed, points, outwards, 0.06, 0.9)
    assert match.valid.all()
    np.testing.assert_allclose(match.normals, outwards, atol=0.03)
    np.testing.assert_allclose(match.distance, 0.05, atol=1e-3)
    assert not ScanTarget(ball_scan()).match(placed, points, -outwards, 1.0, 0.0).valid.any()
    assert not ScanTarget(ball_scan()).match(placed, points, outwards, 0.04, 0.0).valid.any()


def test_rims_of_holes_pull_nothing():
    still = Alignment(np.eye(3), np.zeros(3))
    up = np.array([[0.0, 1.0, 0.0]])
    match = ScanTarget(ball_scan(0.5)).match(still, 1.1 * up, up, 2.0, -1.0)
    assert not match.valid.any()
    assert rim_triangles(ball_scan(0.5).triangles).any()
    assert not rim_triangles(ball_scan().triangles).any()


def test_samples_are_even_near_and_repeatable():
    still = Alignment(np.eye(3), np.zeros(3))
    target = ScanTarget(ball_scan())
    points, normals = target.samples(still, np.array([[0.0, 0.0, 1.0]]), 0.5, 500)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=5e-3)
    assert np.linalg.norm(points - [0, 0, 1], axis=1).max() < 0.6
    assert abs(points.mean(0)[:2]).max() < 0.03
    np.testing.assert_allclose(normals, points, atol=0.03)
    again, _ = target.samples(still, np.array([[0.0, 0.0, 1.0]]), 0.5, 500)
    assert np.array_equal(points, again)
    assert not len(target.samples(still, np.array([[9.0, 0.0, 1.0]]), 0.5, 500)[0])


def test_shares_rebuild_their_points():
    rng = np.random.default_rng(1)
    corners = rng.standard_normal((40, 3, 3))
    shares = rng.dirichlet((1, 1, 1), 40)
    points = np.einsum("pc,pcx->px", shares, corners)
    np.testing.assert_allclose(corner_shares(corners, points), shares, atol=1e-9)


def test_only_visible_skin_is_attracted(anny):
    bald = attraction(anny, anny.vertices, 1.0)
    haired = attraction(anny, anny.vertices)
    assert bald[~anny.regions["skin"]].max() == 0
    inside = anny.regions["mouthCavity"] | anny.regions["teeth"] | anny.regions["eyes"]
    assert bald[inside].max() == 0
    top = anny.vertices[:, 1] > anny.vertices[:, 1].max() - 0.02
    assert haired[top].max() == 0 and bald[top].min() > 0.9
    nose = np.argmax(np.where(anny.regions["skin"], anny.vertices[:, 2], -1))
    assert haired[nose] > 0.9
    ears = np.concatenate(ear_rims(anny))
    assert haired[ears].mean() > 0.5


def test_ears_change_alone(anny):
    modes = ear_modes(anny)
    assert modes.shape == (24, len(anny.vertices), 3)
    moving = np.linalg.norm(modes, axis=2).max(0) > 1e-6
    face = np.abs(anny.vertices[:, 0]) < 0.03
    assert not moving[face].any() and not moving[anny.regions["eyes"]].any()
    left, right = ear_rims(anny)
    assert np.abs(modes[:12][:, right]).max() == 0 and np.abs(modes[12:][:, left]).max() == 0
