"""Normals of a height map are those of the surface that it makes."""

import numpy as np
import pytest
import torch

from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.relief.relief_normals import (
    atlas_gradients,
    cavity,
    height_slopes,
)

SIDE = 96


@pytest.fixture(scope="module")
def sheet():
    """A bent sheet, its places and triangles: (SIDE^2, 3), (SIDE^2, 2), (F, 3), metres."""
    at = (torch.arange(SIDE, dtype=torch.float64) + 0.5) / SIDE
    v, u = torch.meshgrid(at, at, indexing="ij")
    points = torch.stack([0.16 * u, -0.2 * v, 0.03 * torch.sin(2 * u + v)], -1).reshape(-1, 3)
    index = torch.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = torch.cat([torch.stack([a, b, c], -1), torch.stack([a, c, d], -1)]).reshape(-1, 3)
    return points, torch.stack([u, v], -1).reshape(-1, 2), faces


def unit(x):
    return torch.nn.functional.normalize(x, dim=-1)


def test_equal_the_displaced_surfaces(sheet):
    points, places, faces = sheet
    height = 4e-4 * torch.sin(9 * places[:, 0]) * torch.cos(7 * places[:, 1])
    smooth = unit(vertex_normals(points[None], faces))[0]
    displaced = unit(vertex_normals((points + height[:, None] * smooth)[None], faces))[0]
    gradients = atlas_gradients(points[None], faces, places)[0]
    slopes = height_slopes(height.reshape(SIDE, SIDE)).reshape(2, -1).T
    found = unit(smooth - (slopes[..., None] * gradients).sum(1))
    inside = ((places > 0.05) & (places < 0.95)).all(1)
    turned = torch.rad2deg((displaced - smooth).norm(dim=-1))[inside]
    apart = torch.rad2deg((displaced - found).norm(dim=-1))[inside]
    assert turned.max() > 1.0 and apart.max() < 0.05 * turned.max()


def test_gradients_move_with_the_surface(sheet):
    points, places, faces = sheet
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)).double())[
        0
    ]
    turn = turn * torch.sign(torch.linalg.det(turn))
    plain = atlas_gradients(points[None], faces, places)
    moved = atlas_gradients((2 * points @ turn.T + 1)[None], faces, places)
    torch.testing.assert_close(moved, 0.5 * plain @ turn.T, atol=1e-9, rtol=1e-6)
    normals = unit(vertex_normals(points[None], faces))
    assert (plain @ normals[..., None]).abs().max() < 0.3  # along the surface (one per 0.16 m)


def test_both_take_batches(sheet):
    heights = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    assert height_slopes(heights).shape == (2, 3, 2, 16, 16)
    torch.testing.assert_close(height_slopes(heights)[1, 2], height_slopes(heights[1, 2]))
    torch.testing.assert_close(cavity(heights)[1, 2], cavity(heights[1, 2]))
    assert torch.autograd.gradcheck(
        lambda h: (height_slopes(h), cavity(1e-3 * h)),
        heights[0, :1, :8, :8].double().requires_grad_(),
    )


def test_furrows_lose_sky_and_bulges_do_not():
    height = torch.zeros(256, 256)
    height[30:34] = -1e-3
    sky = cavity(height)
    assert 0.65 < sky[32, 32] < 0.85 and sky[10, 10] == 1
    assert cavity(-height)[32, 32] == 1
    assert np.isclose(float(cavity(1000 * height).min()), 0.3)
