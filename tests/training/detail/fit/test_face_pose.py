"""A known head is found again where it was, doing what it did."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien_training.cameras import look_at_camera, project
from mien_training.detail.fit.face_pose import pose_face

CAMERA = look_at_camera((0.1, 0.2, 1.0), (0, 0.08, 0.05), 0.35, 512, 512)
TURNS = {"straight": (0, 0, 0), "aside": (0.5, 0.1, -0.05), "down": (-0.2, 0.35, 0.15)}


def points_of(anny, turn, shift, names, strength=0.6):
    weights = np.zeros(len(anny.shape_names))
    weights[[anny.shape_names.index(name) for name in names]] = strength
    local = anny.vertices + np.tensordot(weights, anny.shape_deltas, 1)
    world = local @ turn.T + shift
    seen = anny.landmarks.positions(world.astype(np.float32), anny.triangles)
    return project(CAMERA, seen)[0], weights


def degrees(a, b):
    return np.degrees(Rotation.from_matrix(a @ b.T).magnitude())


@pytest.mark.parametrize("angles", TURNS.values(), ids=TURNS)
def test_exact_points_give_the_pose(anny, angles):
    turn = Rotation.from_euler("YXZ", angles).as_matrix()
    shift = np.array([0.02, -0.01, 0.03])
    points, weights = points_of(anny, turn, shift, ("jawOpen", "mouthSmileLeft", "browInnerUp"))
    found = pose_face(anny, CAMERA, points)
    assert degrees(found.world_from_rig[:3, :3], turn) < 0.5
    assert found.misfit < 0.002
    assert np.abs(found.world_from_rig[:3, 3] - shift).max() < 0.01
    assert found.weights.min() >= 0 and found.weights.max() <= 1
    for name in ("jawOpen", "browInnerUp"):
        assert found.weights[anny.shape_names.index(name)] > 0.3
    assert np.abs(found.weights - weights).mean() < 0.1
    assert found.face_px == pytest.approx(np.nanmax(points[:468, 1]) - np.nanmin(points[:468, 1]))
    np.testing.assert_allclose(found.world_from_rig[3], [0, 0, 0, 1])


def test_noise_and_a_few_lost_points_move_it_little(anny):
    turn = Rotation.from_euler("YXZ", TURNS["aside"]).as_matrix()
    points, _ = points_of(anny, turn, np.zeros(3), ("jawOpen",))
    rng = np.random.default_rng(0)
    rough = points + rng.normal(0, 0.8, points.shape)
    rough[rng.choice(468, 15, False)] += 60
    found = pose_face(anny, CAMERA, rough)
    assert degrees(found.world_from_rig[:3, :3], turn) < 2
    assert 0.002 < found.misfit


def test_points_of_no_head_do_not_fit(anny):
    points, _ = points_of(anny, np.eye(3), np.zeros(3), ())
    middle = np.nanmean(points, 0)
    wide = middle + (points - middle) * [1.6, 1]
    assert pose_face(anny, CAMERA, wide).misfit > 0.022
