"""What is worn goes where its wearer goes."""

import numpy as np
import pytest

from mien.rig import Material
from mien_training.rendering.scene.scene_mesh import SceneMesh
from mien_training.synthetic.capture.occluders import Worn


@pytest.fixture
def head():
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.sign(np.linalg.det(turn))
    matrix[:3, 3] = rng.standard_normal(3)
    return rng.standard_normal((6, 3)).astype(np.float32), matrix


def worn(goes_with, root=None):
    points = np.random.default_rng(1).standard_normal((3, 3)).astype(np.float32)
    mesh = SceneMesh("other", np.array([[0, 1, 2]], np.int32), np.zeros((3, 2), np.float32),
                     Material("plain"), np.ones(3, np.float32))  # fmt: skip
    return Worn(mesh, points, goes_with, points, root)


def moved(points, matrix):
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def test_all_is_rigid_with_a_rigid_head(head):
    neutral, matrix = head
    posed = moved(neutral, matrix).astype(np.float32)
    for thing in (worn("skull"), worn("skin", np.array([0, 2, 5], np.int32))):
        placed = thing.place(neutral, posed, matrix, np.eye(4))
        np.testing.assert_allclose(placed.vertices, moved(thing.vertices, matrix), atol=1e-5)
        np.testing.assert_allclose(placed.normals, thing.normals @ matrix[:3, :3].T, atol=1e-5)


def test_roots_follow_the_skin_and_bodies_stay(head):
    neutral, matrix = head
    posed = moved(neutral, matrix).astype(np.float32)
    posed[2] += 0.5
    thing = worn("skin", np.array([0, 2, 5], np.int32))
    placed = thing.place(neutral, posed, matrix, np.eye(4))
    offset = placed.vertices - moved(thing.vertices, matrix)
    np.testing.assert_allclose(offset, [[0] * 3, [0.5] * 3, [0] * 3], atol=1e-5)
    still = worn("body").place(neutral, posed, matrix, np.eye(4))
    np.testing.assert_array_equal(still.vertices, worn("body").vertices)
