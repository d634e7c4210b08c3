"""Shapes from all frames: the minimum, exactly; what no frame shows stays."""

import torch

from mien_training.rig.photometric.shape_solver import ShapeEquations, solve_shapes

FRAMES, SHAPES, VERTICES = 9, 3, 5
VERTEX = torch.tensor([0, 1, 3])


def known(seed: int = 0):
    """Random equations, and a random linear map from unknowns (3, 4, 3) to changes."""
    torch.manual_seed(seed)
    half = torch.randn(FRAMES, len(VERTEX), 3, 3)
    hessian, rhs = half @ half.mT, torch.randn(FRAMES, len(VERTEX), 3)
    equations = ShapeEquations.empty(VERTEX, torch.rand(FRAMES, SHAPES))
    for row in range(FRAMES):
        equations.put(row, torch.arange(len(VERTEX)), hessian[row], rhs[row])
    mix = torch.randn(VERTICES, 4)
    return equations, hessian, rhs, lambda u: torch.einsum("vn,knx->kvx", mix, u)


def cost(u, now, equations, hessian, rhs, changes):
    moved = torch.einsum("tk,kvx->tvx", equations.weights, changes(u - now)[:, VERTEX])
    energy = torch.einsum("tvx,tvxy,tvy->", moved, hessian, moved) - 2 * (rhs * moved).sum()
    return energy + u.square().sum()


def test_the_solution_is_the_minimum():
    equations, hessian, rhs, changes = known()
    now = 0.3 * torch.randn(SHAPES, 4, 3)
    found = solve_shapes(equations, changes, now, steps=300, tolerance=1e-6).requires_grad_()
    (slope,) = torch.autograd.grad(cost(found, now, equations, hessian, rhs, changes), found)
    (start,) = torch.autograd.grad(
        cost(now.requires_grad_(), now.detach(), equations, hessian, rhs, changes), now
    )
    assert slope.norm() < 1e-4 * start.norm()


def test_forces_are_those_of_the_dense_matrix():
    equations, hessian, rhs, _ = known(1)
    change = torch.randn(SHAPES, len(VERTEX), 3)
    moved = torch.einsum("tk,kvx->tvx", equations.weights, change)
    force = torch.einsum("tk,tvxy,tvy->kvx", equations.weights, hessian, moved)
    torch.testing.assert_close(equations.resist(change), force)
    torch.testing.assert_close(
        equations.drive(), torch.einsum("tk,tvx->kvx", equations.weights, rhs)
    )


def test_a_shape_that_no_frame_shows_keeps_the_templates_motion():
    equations, _, _, changes = known(2)
    equations.weights[:, 1] = 0
    found = solve_shapes(equations, changes, torch.zeros(SHAPES, 4, 3), steps=100)
    assert found[1].abs().max() == 0 and found[0].abs().max() > 0.01


def test_little_evidence_goes_part_of_the_way():
    equations, _, _, changes = known(3)
    whole = solve_shapes(equations, changes, torch.zeros(SHAPES, 4, 3), steps=300, tolerance=1e-6)
    part = solve_shapes(
        equations.weighted(torch.full((len(VERTEX),), 1e-3)),
        changes,
        torch.zeros(SHAPES, 4, 3),
        steps=300,
        tolerance=1e-6,
    )
    assert 0 < part.norm() < 0.2 * whole.norm()


def test_evidence_counts_vertex_by_vertex():
    equations, *_ = known(4)
    share = torch.tensor([1.0, 0.5, 0.0])
    part = equations.weighted(share)
    change = torch.randn(SHAPES, len(VERTEX), 3)
    torch.testing.assert_close(part.resist(change), share[:, None] * equations.resist(change))
    torch.testing.assert_close(part.drive(), share[:, None] * equations.drive())
