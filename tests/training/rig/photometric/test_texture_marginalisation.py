"""Motion with colours left free: as if motion and colours had been solved together."""

import pytest
import torch

from mien_training.rig.photometric.surface_motion import PosedSurface, SurfaceMotion
from mien_training.rig.photometric.texture_marginalisation import TextureMarginalisation
from mien_training.rig.photometric.vertex_equations import VertexColour, VertexEquations

SHAPES, UNKNOWNS, HELD = 2, 8, 0.05
SEEN = (torch.tensor([0, 1, 4]), torch.tensor([1, 3, 4]), torch.tensor([0, 1, 3]))
"""Vertices of the frames, of 5; the third is never seen."""


@pytest.fixture
def frames():
    """Rig, posed frames, and their equations from 5 random pixels behind each vertex."""
    torch.manual_seed(0)
    surface = SurfaceMotion(torch.randn(5, 6, SHAPES).double())
    posed, equations = [], []
    for vertex in SEEN:
        count = len(vertex)
        turn, shift = torch.randn(2, 3, 3).double()
        place, normal = torch.randn(2, count, 3).double()
        posed.append(PosedSurface(vertex, place, normal, turn, shift))
        jacobian, residual = torch.randn(count, 5, 3, 6).double(), torch.randn(count, 5, 3).double()
        weight = torch.rand(count, 5).double() + 0.1
        weighted = jacobian * weight[..., None, None]
        colour = VertexColour(
            weighted.sum(1).transpose(1, 2), weight.sum(1), (weight[..., None] * residual).sum(1)
        )
        hessian = torch.einsum("vpcx,vpcy->vxy", weighted, jacobian)
        rhs = torch.einsum("vpcx,vpc->vx", weighted, residual)
        equations.append(VertexEquations(vertex, hessian, rhs, colour))
    return surface, posed, equations


def together(frames) -> tuple[torch.Tensor, torch.Tensor]:
    """Motion (F, U) and colours (5, 3) of the dense system of both."""
    surface, posed, equations = frames
    motion = len(posed) * UNKNOWNS
    matrix = torch.zeros(motion + 15, motion + 15).double()
    rhs = torch.zeros(motion + 15).double()
    for f, (p, e) in enumerate(zip(posed, equations, strict=True)):
        moves, rows = surface.moves(p), slice(f * UNKNOWNS, (f + 1) * UNKNOWNS)
        matrix[rows, rows] += torch.einsum("vxu,vxy,vyw->uw", moves, e.hessian, moves)
        rhs[rows] += torch.einsum("vxu,vx->u", moves, e.rhs)
        for i, v in enumerate(e.vertex.tolist()):
            at = slice(motion + 3 * v, motion + 3 * v + 3)
            both = moves[i].T @ e.colour.cross[i]
            matrix[rows, at] += both
            matrix[at, rows] += both.T
            matrix[at, at] += (1 + HELD) * e.colour.mass[i] * torch.eye(3).double()
            rhs[at] += e.colour.residual[i]
    matrix += 1e-3 * torch.eye(len(matrix)).double()
    found = torch.linalg.solve(matrix, rhs)
    return found[:motion].reshape(-1, UNKNOWNS), found[motion:].reshape(5, 3)


def test_elimination_finds_what_both_together_find(frames):
    surface, posed, equations = frames
    texture = TextureMarginalisation.of(surface, posed, equations, HELD)
    count = len(posed) * UNKNOWNS
    columns = [
        texture.give(one.reshape(-1, UNKNOWNS)).flatten() for one in torch.eye(count).double()
    ]
    matrix, rhs = -torch.stack(columns, 1) + 1e-3 * torch.eye(count), torch.zeros(count).double()
    for f, (p, e) in enumerate(zip(posed, equations, strict=True)):
        moves, rows = surface.moves(p), slice(f * UNKNOWNS, (f + 1) * UNKNOWNS)
        matrix[rows, rows] += torch.einsum("vxu,vxy,vyw->uw", moves, e.hessian, moves)
        rhs[rows] += torch.einsum("vxu,vx->u", moves, e.rhs)
    rhs -= texture.pull(texture.colours(torch.zeros(3, UNKNOWNS).double())).flatten()
    found = torch.linalg.solve(matrix, rhs).reshape(-1, UNKNOWNS)
    motion, colours = together(frames)
    torch.testing.assert_close(found, motion, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(
        texture.colours(found), colours[texture.vertex], atol=1e-3, rtol=1e-3
    )


def test_what_gives_way_is_symmetric_and_never_more_than_there_is(frames):
    surface, posed, equations = frames
    texture = TextureMarginalisation.of(surface, posed, equations, HELD)
    a, b = torch.randn(2, 3, UNKNOWNS).double()
    torch.testing.assert_close((texture.give(a) * b).sum(), (texture.give(b) * a).sum())
    resisted = sum(
        torch.einsum("vx,vxy,vy->", m, e.hessian, m)
        for m, e in (
            (surface.moved(p, one), e) for p, e, one in zip(posed, equations, a, strict=True)
        )
    )
    assert 0 < float((texture.give(a) * a).sum()) < float(resisted)


def test_a_texture_that_is_believed_gives_nothing(frames):
    texture = TextureMarginalisation.of(*frames, float("inf"))
    change = torch.randn(3, UNKNOWNS).double()
    assert not texture.give(change).any() and not texture.colours(change).any()


def test_only_vertices_that_are_seen_are_kept(frames):
    assert TextureMarginalisation.of(*frames, HELD).vertex.tolist() == [0, 1, 3, 4]
