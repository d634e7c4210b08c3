"""Motion with colours left free: as if motion and colours had been solved together."""

import pytest
import torch

from mien_training.rig.photometric.shared_texture import SharedTexture
from mien_training.rig.photometric.surface_motion import PosedSurface, SurfaceMotion
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


def test_where_motion_and_colours_rest_is_where_both_together_do(frames):
    surface, posed, equations = frames
    texture = SharedTexture.of(surface, posed, equations, HELD)
    motion, colours = together(frames)
    torch.testing.assert_close(
        texture.best_colours(motion), colours[texture.vertex], atol=2e-3, rtol=2e-3
    )
    explained = texture.motion_rhs(colours[texture.vertex])
    for f, (p, e) in enumerate(zip(posed, equations, strict=True)):
        moves = surface.moves(p)
        matrix = torch.einsum("vxu,vxy,vyw->uw", moves, e.hessian, moves)
        rhs = torch.einsum("vxu,vx->u", moves, e.rhs) - explained[f]
        torch.testing.assert_close(matrix @ motion[f], rhs, atol=2e-2, rtol=2e-3)


def test_what_motion_takes_from_colours_is_what_colours_take_from_motion(frames):
    texture = SharedTexture.of(*frames, HELD)
    change, colours = torch.randn(3, UNKNOWNS).double(), torch.randn(4, 3).double()
    still = texture.best_colours(0 * change)
    taken = (still - texture.best_colours(change)) * texture.colour_hessian
    torch.testing.assert_close(
        (texture.motion_rhs(colours) * change).sum(), (taken * colours).sum()
    )


def test_a_texture_that_is_believed_gives_nothing(frames):
    texture = SharedTexture.of(*frames, float("inf"))
    assert not texture.best_colours(torch.randn(3, UNKNOWNS).double()).any()


def test_only_vertices_that_are_seen_are_kept(frames):
    assert SharedTexture.of(*frames, HELD).vertex.tolist() == [0, 1, 3, 4]
