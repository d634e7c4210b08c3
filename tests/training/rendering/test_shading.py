"""Colour transfer and the shading model's laws."""

import numpy as np
import pytest
import torch
from support.srgb import srgb8_from_linear

from mien.errors import InputError
from mien.rig import Material
from mien_training.rendering.shading import (
    Lighting,
    linear_from_srgb,
    shade,
    studio_lighting,
    surface_parameters,
)

MATTE = surface_parameters(Material("plaster", roughness=1.0))
SKIN = surface_parameters(Material("skin", roughness=0.5))


def lit(normal, surface=MATTE, lighting=None, albedo=(0.5, 0.5, 0.5), sky=1.0):
    return shade(
        torch.tensor(albedo, dtype=torch.float64),
        torch.zeros(3, dtype=torch.float64),
        torch.tensor(normal, dtype=torch.float64),
        torch.tensor(sky, dtype=torch.float64),
        torch.tensor((0.0, 0.0, 1.0), dtype=torch.float64),
        surface,
        lighting or studio_lighting(),
    ).numpy()


def one_light(direction, colour=(1.0, 1.0, 1.0)):
    return Lighting(
        np.array([direction], np.float32), np.array([colour], np.float32), (0, 0, 0), (0, 0, 0)
    )


def test_srgb_round_trip_below_the_shoulder():
    codes = np.arange(218, dtype=np.uint8)  # linear 0.7 is code 217.6
    assert np.array_equal(srgb8_from_linear(linear_from_srgb(codes)), codes)


def test_shoulder_is_monotonic_and_ends_in_white():
    codes = srgb8_from_linear(np.linspace(0, 4, 2000))
    assert (np.diff(codes.astype(int)) >= 0).all()
    assert codes[-1] == 255
    assert srgb8_from_linear(np.array([-1.0, 99.0])).tolist() == [0, 255]


def test_known_srgb_values():
    assert np.allclose(linear_from_srgb(np.array([0, 128, 255], np.uint8)), [0, 0.2158605, 1])


def test_light_is_additive():
    a, b = one_light((0, 0, 1), (0.4, 0.2, 0.1)), one_light((0.6, 0, 0.8), (0.1, 0.3, 0.5))
    both = Lighting(
        np.concatenate([a.directions, b.directions]), np.concatenate([a.colours, b.colours]),
        (0, 0, 0), (0, 0, 0),
    )  # fmt: skip
    normal = (0.1, 0.3, 0.9)
    assert np.allclose(lit(normal, SKIN, both), lit(normal, SKIN, a) + lit(normal, SKIN, b))


def test_brightness_scales_with_intensity():
    normal = (0.2, -0.1, 0.9)
    assert np.allclose(
        lit(normal, SKIN, studio_lighting(2.0)), 2 * lit(normal, SKIN, studio_lighting(1.0)),
        rtol=1e-5,
    )  # fmt: skip


def test_red_light_wraps_furthest_round_flesh():
    past_terminator = lit((np.cos(1.7), 0, np.sin(1.7) * 0 + 0.0), SKIN, one_light((0, 0, 1)))
    edge = lit((1, 0, -0.1), SKIN, one_light((0, 0, 1)))
    assert past_terminator[0] > past_terminator[1] > past_terminator[2] > 0
    assert edge[0] > edge[1] >= edge[2]
    assert np.allclose(lit((1, 0, -0.1), MATTE, one_light((0, 0, 1))), 0)


def test_closed_cavity_is_dark():
    assert (lit((0, 0, 1), SKIN, sky=0.0) < 0.35 * lit((0, 0, 1), SKIN, sky=1.0)).all()
    ambient = Lighting(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))
    assert np.allclose(lit((0, 0, 1), SKIN, ambient, sky=0.0), 0)


def test_wet_surfaces_have_a_sharper_highlight():
    wet, dry = (surface_parameters(Material("x", roughness=r)) for r in (0.2, 0.7))
    light = one_light((0, 0, 1))
    peak = [lit((0, 0, 1), s, light, (0, 0, 0))[0] for s in (wet, dry)]
    aside = [lit((0.3, 0, 0.954), s, light, (0, 0, 0))[0] for s in (wet, dry)]
    assert peak[0] > peak[1]
    assert aside[0] < aside[1]


def test_length_of_the_normal_does_not_matter():
    assert np.allclose(lit((0.1, 0.2, 0.9), SKIN), lit((0.4, 0.8, 3.6), SKIN))


def test_shade_is_differentiable():
    normal = torch.tensor([[0.1, 0.2, 0.9]], dtype=torch.float64, requires_grad=True)
    albedo = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64, requires_grad=True)
    where = torch.zeros(1, 3, dtype=torch.float64)
    eye = torch.tensor([0.0, 0.1, 1.0], dtype=torch.float64)

    def radiance(a, n):
        return shade(a, where, n, torch.ones(1, dtype=torch.float64), eye, SKIN, studio_lighting())

    assert torch.autograd.gradcheck(radiance, (albedo, normal))


def test_lighting_of_wrong_shape_is_refused():
    with pytest.raises(InputError, match="Lighting"):
        Lighting(np.zeros((2, 3), np.float32), np.zeros((3, 3), np.float32))
