"""Gaussians ride on the mesh: they move as it does, and only what is asked for changes."""

import numpy as np
import pytest
import torch

from mien.rotation import matrix_from_quaternion, quaternion_from_rotation_vector
from mien_training.avatar.anchors import HairLayers
from mien_training.avatar.splats.splat_head import CHANGES, SplatHead, quaternion_product

SIDE = 64


@pytest.fixture(scope="module")
def head(ball_atlas):
    made = SplatHead(ball_atlas, SIDE, HairLayers.of(ball_atlas, SIDE), 0).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, dtype=torch.float64)
    return made


@pytest.fixture
def vertices(head_template):
    return torch.from_numpy(head_template.vertices).double()[None]


@pytest.fixture
def changes():
    generator = torch.Generator().manual_seed(4)
    return 0.2 * torch.randn(1, CHANGES, SIDE, SIDE, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("axis", [(0.4, -0.7, 0.2), (0.0, 3.0, 0.0)])
def test_they_move_with_the_mesh(head, vertices, changes, axis):
    q = quaternion_from_rotation_vector(axis)
    turn, move = torch.from_numpy(matrix_from_quaternion(q)), torch.tensor([0.1, -0.2, 0.3])
    rest = head(vertices, changes)
    moved = head(vertices @ turn.T + move, changes)
    torch.testing.assert_close(moved.means, rest.means @ turn.T + move, atol=1e-6, rtol=0)
    expected = quaternion_product(torch.from_numpy(np.asarray(q)), rest.rotations)
    same = (moved.rotations * expected).sum(-1).abs()  # q and -q are one rotation
    torch.testing.assert_close(same, torch.ones_like(same), atol=1e-5, rtol=0)
    for name in ("scales", "opacities", "colours"):
        torch.testing.assert_close(getattr(moved, name), getattr(rest, name), atol=1e-6, rtol=0)


def test_they_grow_with_the_mesh(head, vertices, changes):
    rest, grown = head(vertices, changes), head(1.5 * vertices, changes)
    torch.testing.assert_close(grown.means, 1.5 * rest.means, atol=1e-6, rtol=0)
    torch.testing.assert_close(grown.scales, 1.5 * rest.scales, atol=1e-6, rtol=0)


def test_only_the_colour_of_hair_changes(head, vertices, changes):
    still = torch.zeros_like(changes)
    rest, moved = head(vertices, still), head(vertices, changes)
    hair = head.lift_m > 0
    assert hair.any() and (~hair).any()
    for name in ("means", "rotations", "scales", "opacities"):
        assert torch.equal(getattr(moved, name)[:, hair], getattr(rest, name)[:, hair]), name
        assert not torch.equal(getattr(moved, name)[:, ~hair], getattr(rest, name)[:, ~hair]), name
    of_skin = changes.clone()
    of_skin[:, 13:] = 0
    assert torch.equal(head(vertices, of_skin).colours[:, hair], rest.colours[:, hair])
    of_hair = changes - of_skin
    assert torch.equal(head(vertices, of_hair).colours[:, ~hair], rest.colours[:, ~hair])
    assert not torch.equal(head(vertices, of_hair).colours[:, hair], rest.colours[:, hair])


def test_layers_lie_above_the_scalp(ball_atlas, vertices):
    layers = HairLayers.of(ball_atlas, SIDE)
    head = SplatHead(ball_atlas, SIDE, layers, 0).double()
    with torch.no_grad():
        head.place.zero_()
    cloud = head(vertices, torch.zeros(1, CHANGES, SIDE, SIDE, dtype=torch.float64))
    radius = cloud.means[0].norm(dim=-1).detach().numpy()
    lift = head.lift_m.numpy()
    texels = len(head.anchors.texel)
    np.testing.assert_allclose(radius[texels:], 0.09 + lift[texels:], atol=1e-3)
    assert len(radius) == texels + len(layers.chosen) * len(layers.offsets_m)
    bald = SplatHead(ball_atlas, SIDE, None, 0)
    assert len(bald.anchor) == texels and (bald.lift_m == 0).all()


def test_every_parameter_and_change_learns(head, vertices, changes):
    asked = changes.clone().requires_grad_()
    cloud = head(vertices, asked)
    parts = (cloud.means, cloud.rotations[..., :3], cloud.scales, cloud.opacities, cloud.colours)
    sum(part.square().sum() for part in parts).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad.abs().max() > 0, name
    assert (asked.grad.abs().amax((0, 2, 3)) > 0).all()
    groups = head.parameter_groups(0.1)
    assert {g["name"] for g in groups} == {name for name, _ in head.named_parameters()}


def test_a_ball_of_them_is_a_disc(ball_atlas, vertices):
    """Untrained they cover the skin, and nothing beside it."""
    from support.avatar_films import around

    head = SplatHead(ball_atlas, SIDE, None, 0)
    camera = around(1, 64)[0]
    cloud = head(vertices.float(), torch.zeros(1, CHANGES, SIDE, SIDE))
    alpha = cloud.image(camera, 64)[..., 3].detach().numpy()
    from_centre = np.hypot(*(np.mgrid[:64, :64] + 0.5 - 32))
    radius = camera.K[0, 0] * 0.09 / np.sqrt(0.5**2 - 0.09**2)
    assert np.quantile(alpha[from_centre < radius - 3], 0.02) > 0.9
    assert alpha[from_centre > radius + 6].max() < 0.05
