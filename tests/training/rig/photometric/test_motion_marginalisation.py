"""Leaving the performance free is the same as solving it together with the shapes."""

import torch

from mien_training.rig.photometric.motion_marginalisation import (
    MotionMarginalisation,
    rigid_and_blended,
)
from mien_training.rig.photometric.shape_solver import ShapeEquations, solve_shapes
from mien_training.rig.photometric.sym3 import sym3_pack

FRAMES, SHAPES, VERTICES, UNKNOWNS = 6, 2, 4, 3
GROUP = torch.tensor([0, 0, 1, 1, 1, 2])
VERTEX = torch.arange(VERTICES)


def known(seed: int = 0):
    torch.manual_seed(seed)
    half = torch.randn(FRAMES, VERTICES, 3, 3, dtype=torch.float64)
    hessian = half @ half.mT
    equations = ShapeEquations(
        VERTEX, torch.rand(FRAMES, SHAPES).double(), sym3_pack(hessian),
        torch.randn(FRAMES, VERTICES, 3).double(),
    )  # fmt: skip
    return equations, hessian, torch.randn(3 * VERTICES, UNKNOWNS).double()


def dense(equations, hessian, directions, held):
    """Matrix of all shapes' and then all groups' unknowns."""
    shapes = 3 * VERTICES * SHAPES
    size = shapes + len(held) * UNKNOWNS
    total = torch.zeros(size, size, dtype=torch.float64)
    for t in range(FRAMES):
        rows = torch.zeros(3 * VERTICES, size, dtype=torch.float64)
        for k in range(SHAPES):
            at = slice(3 * VERTICES * k, 3 * VERTICES * (k + 1))
            rows[:, at] = equations.weights[t, k] * torch.eye(3 * VERTICES).double()
        first = shapes + int(GROUP[t]) * UNKNOWNS
        rows[:, first : first + UNKNOWNS] = directions
        total += rows.T @ torch.block_diag(*hessian[t]) @ rows
    total[shapes:, shapes:] += torch.block_diag(*held)
    return total


def reduction(equations, hessian, directions):
    """The freedom of a softly held performance, and the dense matrix that it leaves."""
    held = 0.3 * torch.eye(UNKNOWNS).double().repeat(3, 1, 1)
    whole = dense(equations, hessian, directions, held)
    n = 3 * VERTICES * SHAPES
    reduced = whole[:n, :n] - whole[:n, n:] @ torch.linalg.solve(whole[n:, n:], whole[n:, :n])
    return MotionMarginalisation.of(directions, GROUP, equations.hessian, held), reduced


def test_the_force_is_that_of_the_reduced_matrix():
    equations, hessian, directions = known()
    marginalisation, reduced = reduction(equations, hessian, directions)
    change = torch.randn(SHAPES, VERTICES, 3).double()
    force = equations.resist(change, marginalisation)
    torch.testing.assert_close(force.flatten(), reduced @ change.flatten(), atol=1e-4, rtol=1e-5)


def test_a_performance_that_is_held_leaves_the_equations_as_they_are():
    equations, _, directions = known(1)
    held = 1e9 * torch.eye(UNKNOWNS).double().repeat(3, 1, 1)
    marginalisation = MotionMarginalisation.of(directions, GROUP, equations.hessian, held)
    change = torch.randn(SHAPES, VERTICES, 3).double()
    torch.testing.assert_close(
        equations.resist(change, marginalisation), equations.resist(change), atol=1e-5, rtol=1e-6
    )


def test_shapes_do_not_learn_what_the_performance_shows_as_well():
    """The one shape is pulled along a direction in which the performance is free, and across."""
    along = torch.zeros(VERTICES, 3)
    along[:, 0] = 1.0
    across = torch.zeros(VERTICES, 3)
    across[:, 1] = 1.0
    weights = torch.ones(FRAMES, 1)
    hessian = sym3_pack(torch.eye(3)).repeat(FRAMES, VERTICES, 1)
    equations = ShapeEquations(VERTEX, weights, hessian, torch.zeros(FRAMES, VERTICES, 3))
    held = 1e-6 * torch.eye(1).repeat(3, 1, 1)
    marginalisation = MotionMarginalisation.of(along.reshape(-1, 1), GROUP, hessian, held)
    assert equations.resist(along[None], marginalisation).abs().max() < 1e-4
    torch.testing.assert_close(equations.resist(across[None], marginalisation)[0], FRAMES * across)


def test_solved_shapes_are_those_of_the_reduced_matrix():
    equations, hessian, directions = known(2)
    marginalisation, reduced = reduction(equations, hessian, directions)
    start = torch.zeros(SHAPES, VERTICES, 3).double()
    found = solve_shapes(equations, lambda u: u, start, marginalisation, steps=200, tolerance=1e-9)
    expected = torch.linalg.solve(
        reduced + torch.eye(len(reduced)).double(), equations.drive().flatten()
    )
    torch.testing.assert_close(found.flatten(), expected, atol=1e-5, rtol=1e-5)


def test_poses_go_where_they_would_if_solved_alone():
    torch.manual_seed(3)
    half = torch.randn(FRAMES, VERTICES, 3, 3, dtype=torch.float64)
    hessian = half @ half.mT
    directions = torch.randn(3 * VERTICES, 9).double()
    held = 0.3 * torch.eye(9).double().repeat(3, 1, 1)
    marginalisation = MotionMarginalisation.of(directions, GROUP, sym3_pack(hessian), held)
    force = torch.randn(FRAMES, VERTICES, 3).double()
    found = marginalisation.poses(force)
    for g in range(3):
        of_group = sum(torch.block_diag(*hessian[t]) for t in range(FRAMES) if GROUP[t] == g)
        own = directions[:, 3:].T @ of_group @ directions[:, 3:] + 0.3 * torch.eye(6).double()
        upon = directions[:, 3:].T @ force[GROUP == g].sum(0).flatten()
        torch.testing.assert_close(own @ found[g], upon)


def test_points_of_a_head_turn_shift_and_blend():
    torch.manual_seed(2)
    rest, deltas = torch.randn(5, 3), torch.randn(SHAPES, 5, 3)
    directions = rigid_and_blended(rest, deltas)
    weights, turn, shift = torch.randn(SHAPES), torch.randn(3), torch.randn(3)
    moved = (directions @ torch.cat([weights, turn, shift])).reshape(5, 3)
    cross = torch.linalg.cross(turn.expand(5, 3), rest)
    torch.testing.assert_close(moved, torch.tensordot(weights, deltas, 1) + cross + shift)
