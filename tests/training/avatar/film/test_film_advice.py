"""A film that shows all gets no advice; each thing that lacks has its sentence."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien_training.avatar.film.film_advice import film_advice


@pytest.fixture
def good(ball_film):
    """Turned and nodded to all sides, every shape seen, coverage known."""
    middle = 0.5 * (ball_film.person.vertices.min(0) + ball_film.person.vertices.max(0))
    poses = []
    for n in range(len(ball_film)):
        angle = 2 * np.pi * n / 8
        direction = [np.sin(0.6 * np.sin(angle)), np.sin(0.4 * np.cos(angle)), 1.0]
        turn, _ = Rotation.align_vectors([[0, 0, 1.0]], [direction])
        pose = np.eye(4)
        pose[:3, :3] = np.diag([1.0, -1.0, -1.0]) @ turn.as_matrix()
        pose[:3, 3] = [0, 0, 1.0] - pose[:3, :3] @ middle
        poses.append(pose)
    weights = ball_film.weights.copy()
    weights[0] = 0.8
    return replace(ball_film, camera_from_rig=np.stack(poses), weights=weights, known=None)


def test_nothing_lacks(good):
    assert film_advice(good) == ()


def test_shapes_that_were_not_seen_are_named(good):
    weights = good.weights.copy()
    weights[: good.training, 1] = 0.1
    weights[good.training :, 1] = 1.0  # held out: not learnt from
    (said,) = film_advice(replace(good, weights=weights))
    assert "1 of 2" in said
    assert good.person.shape_names[1] in said
    assert good.person.shape_names[0] not in said


def test_each_side_that_was_not_turned_to_is_named(good):
    pose = good.camera_from_rig[0].copy()
    middle = 0.5 * (good.person.vertices.min(0) + good.person.vertices.max(0))
    pose[:3, :3] = np.diag([1.0, -1.0, -1.0])
    pose[:3, 3] = [0, 0, 1.0] - pose[:3, :3] @ middle
    still = replace(good, camera_from_rig=np.tile(pose, (len(good), 1, 1)))
    said = film_advice(still)
    assert [next(w for w in ("right", "left", "down", "up") if w in s) for s in said] == [
        "right", "left", "down", "up",
    ]  # fmt: skip
    # A camera at the head's left sees the head turned to the right.
    turned = pose.copy()
    turned[:3, :3] = pose[:3, :3] @ Rotation.from_euler("y", -40, degrees=True).as_matrix()
    turned[:3, 3] = [0, 0, 1.0] - turned[:3, :3] @ middle
    poses = still.camera_from_rig.copy()
    poses[0] = turned
    centre = -turned[:3, :3].T @ turned[:3, 3]
    assert centre[0] > 0.3
    said = film_advice(replace(still, camera_from_rig=poses))
    assert not any("right" in s for s in said)
    assert any("left" in s for s in said)


def test_hair_that_cannot_be_told_from_the_wall(good):
    known = np.ones(good.images.shape[:3], bool)
    assert film_advice(replace(good, known=known)) == ()
    known[:, ::2] = False
    (said,) = film_advice(replace(good, known=known))
    assert "Hair" in said


def test_a_film_without_coverage(good):
    (said,) = film_advice(replace(good, alpha=None))
    assert "0 %" in said
