"""Moves of a surface are the derivatives of its places and of its unit normals."""

import pytest
import torch

from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.surface_motion import PosedSurface, SurfaceMotion

SHAPES, STEP = 3, 1e-6


@pytest.fixture(scope="module")
def bumpy():
    """A grid of 6 x 6 vertices, not flat, and its triangles; double precision."""
    torch.manual_seed(0)
    grid = torch.cartesian_prod(torch.linspace(-0.05, 0.05, 6), torch.linspace(-0.05, 0.05, 6))
    neutral = torch.cat([grid, 0.01 * torch.randn(36, 1)], 1).double()
    deltas = 0.003 * torch.randn(SHAPES, 36, 3).double()
    corner = (torch.arange(5)[:, None] * 6 + torch.arange(5)).flatten()
    lower = torch.stack([corner, corner + 6, corner + 1], 1)
    upper = torch.stack([corner + 1, corner + 6, corner + 7], 1)
    return Shapes(neutral, deltas), torch.cat([lower, upper])


def motion_of(unknowns: torch.Tensor) -> Motion:
    parts = unknowns[None].split([SHAPES, 3, 3], 1)
    return Motion(*parts)


def posed_at(shapes, faces, unknowns, vertex) -> PosedSurface:
    motion = motion_of(unknowns)
    world = shapes.posed(motion)
    normals = vertex_normals(world, faces)[0]
    return PosedSurface.of(vertex, world[0], normals, motion.rotation[0], motion.translation[0])


def seen(shapes, faces, unknowns, vertex, start):
    """(V', 6) places and unit normals in the world, turned into the rig's axes at `start`."""
    world = shapes.posed(motion_of(unknowns))
    normals = torch.nn.functional.normalize(vertex_normals(world, faces)[0], dim=-1)
    turn = rotation_from_vector(start[SHAPES : SHAPES + 3])
    return torch.cat([world[0, vertex] @ turn, normals[vertex] @ turn], 1)


@pytest.mark.parametrize("weights", [0.0, 0.4])
def test_moves_are_derivatives(bumpy, weights):
    shapes, faces = bumpy
    start = torch.tensor([weights] * SHAPES + [0.3, -0.5, 0.2, 0.01, 0.02, -0.7]).double()
    vertex = torch.tensor([7, 8, 20, 35])
    surface, posed = SurfaceMotion.of(shapes, faces), posed_at(shapes, faces, start, vertex)
    moves = surface.moves(posed)
    for u in range(SHAPES + 6):
        step = torch.zeros_like(start)
        step[u] = STEP
        ends = (seen(shapes, faces, start + s * step, vertex, start) for s in (1, -1))
        slope = next(ends).sub(next(ends)) / (2 * STEP)
        # Normals turn with the weights as in the neutral: exact there only.
        rows = slice(0, 6 if u >= SHAPES or weights == 0 else 3)
        torch.testing.assert_close(moves[:, rows, u], slope[:, rows], atol=1e-6, rtol=1e-5)


def test_moved_is_the_product_with_moves(bumpy):
    shapes, faces = bumpy
    start = torch.tensor([0.2, 0.1, 0.6, 0.1, 0.2, -0.3, 0.0, 0.1, 0.2]).double()
    posed = posed_at(shapes, faces, start, torch.arange(36))
    surface = SurfaceMotion.of(shapes, faces)
    change = torch.randn(SHAPES + 6).double()
    torch.testing.assert_close(surface.moved(posed, change), surface.moves(posed) @ change)
