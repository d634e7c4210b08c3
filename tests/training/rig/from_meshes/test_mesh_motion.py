"""Weights and poses of known shapes are found, each moment for itself."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.mesh_takes import bump_head, mesh_take

from mien_training.rig.from_meshes.mesh_motion import (
    MeshMotion,
    WeightBelief,
    fit_motion,
    starting_poses,
)
from mien_training.rig.from_meshes.shape_fields import still_motion


@pytest.fixture(scope="module")
def take():
    return mesh_take(bump_head(), moments=6)


def solved(take, rows=slice(None), steps=8):
    some = np.flatnonzero(take.template.regions["skin"])[::3]
    world = take.meshes.vertices[rows][:, some].astype(np.float64)
    worth = np.full(world.shape[:2], 1e10)
    pose = starting_poses(
        take.template.vertices[some].astype(np.float64), still_motion(take.template)[some], world,
        worth,
    )  # fmt: skip
    shapes = len(take.deltas)
    motion = MeshMotion(np.full((len(world), shapes), 0.3), *pose)
    belief = WeightBelief(np.zeros((len(world), shapes)), np.ones((len(world), shapes)))
    for _ in range(steps):
        motion = fit_motion(take.neutral[some], take.deltas[:, some], world, worth, motion, belief)
    return motion


def test_the_true_performance_is_found(take):
    motion = solved(take)
    np.testing.assert_allclose(motion.weights, take.weights, atol=2e-4)
    np.testing.assert_allclose(motion.world_from_rig(), take.meshes.world_from_head, atol=2e-6)
    local = motion.in_rig(take.meshes.vertices.astype(np.float64))
    np.testing.assert_allclose(local, take.local(), atol=5e-6)


def test_moments_do_not_know_each_other(take):
    every, one = solved(take, steps=2), solved(take, slice(2, 3), steps=2)
    np.testing.assert_allclose(one.weights[0], every.weights[2], atol=1e-9)
    np.testing.assert_allclose(one.rotation[0], every.rotation[2], atol=1e-12)


def test_heads_start_where_the_still_part_is():
    """However they are turned, and with a third of it torn off."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 0.08, (300, 3))
    moving = np.where(np.arange(300) < 150, 0.0, 0.01)
    turn = Rotation.from_rotvec([0.3, 2.5, -0.4]).as_matrix()
    world = points @ turn.T + [0.3, 0.2, 1.0]
    world[200:] += 0.05  # what moves may be anywhere
    worth = np.ones(300)
    world[:45], worth[:45] = 0.4, 0.1
    rotation, translation = starting_poses(points, moving, world[None], worth[None])
    np.testing.assert_allclose(rotation[0], turn, atol=1e-9)
    np.testing.assert_allclose(translation[0], [0.3, 0.2, 1.0], atol=1e-9)
