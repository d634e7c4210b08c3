"""Light of known skin is found again, and its answer to slopes is that of turned normals."""

import pytest
import torch
import torch.nn.functional as F

from mien_training.detail.fit.observed_skin import ObservedSkin
from mien_training.detail.fit.skin_light import SkinLight, estimate_light
from mien_training.rendering.appearance import harmonics

TEXELS = 1500
GAINS = torch.tensor([0.0, 0.2, -0.2, 0.1])
COEFFICIENTS = torch.tensor([1 / 0.282095, 0.5, 0.9, -0.6, 0.1, 0.1, -0.1, 0.1, 0.05])


def skin_under(light, albedo, frames=4, seed=0):
    """Skin before a camera at +Z, seen from four sides."""
    generator = torch.Generator().manual_seed(seed)
    turned = torch.randn(TEXELS, 3, generator=generator)
    turned[:, 2] = turned[:, 2].abs() + 0.5
    sides = torch.randn(frames, 1, 3, generator=generator) * 0.4
    normal = F.normalize(F.normalize(turned, dim=-1) + sides, dim=-1)
    gradients = 6 * torch.randn(frames, TEXELS, 2, 3, generator=generator)
    gradients -= (gradients * normal[:, :, None]).sum(-1, keepdim=True) * normal[:, :, None]
    value = light.irradiance(normal) * (albedo + GAINS[:frames, None]).exp()
    weight = torch.ones(frames, TEXELS)
    return ObservedSkin(
        None, value[..., None].expand(-1, -1, 3), weight, normal, gradients, torch.zeros(frames)
    )


@pytest.fixture(scope="module")
def light():
    return SkinLight(COEFFICIENTS, torch.zeros(TEXELS), GAINS)


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_it_is_found_up_to_its_scale(light, spread):
    albedo = -1 + spread * torch.randn(TEXELS, generator=torch.Generator().manual_seed(1))
    skin = skin_under(light, albedo)
    found = estimate_light(skin)
    ratio = (found.irradiance(skin.normal) / light.irradiance(skin.normal)).log()
    assert ratio.std() < 0.04 + 0.1 * spread
    gain = found.log_gain - found.log_gain.mean()
    torch.testing.assert_close(gain, GAINS - GAINS.mean(), atol=0.02, rtol=0)
    assert found.coefficients[0] * 0.282095 == pytest.approx(1, rel=1e-4)
    if spread:
        assert torch.corrcoef(torch.stack([found.log_albedo, albedo]))[0, 1] > 0.97


def test_brighter_images_have_the_same_light(light):
    skin = skin_under(light, torch.full((TEXELS,), -2.0))
    bright = skin_under(light, torch.full((TEXELS,), -1.0))
    torch.testing.assert_close(
        estimate_light(skin).coefficients, estimate_light(bright).coefficients, atol=0.01, rtol=0
    )


def test_highlights_hardly_count(light):
    skin = skin_under(light, torch.full((TEXELS,), -1.0))
    plain = estimate_light(skin)
    shiny = ObservedSkin(
        None, skin.colour * (1 + 3 * (torch.arange(TEXELS) % 25 == 0)[None, :, None]),
        skin.weight, skin.normal, skin.gradients, skin.overexposed,
    )  # fmt: skip
    ratio = estimate_light(shiny).irradiance(skin.normal) / plain.irradiance(skin.normal)
    assert ratio.log().std() < 0.02


def test_the_answer_to_slopes_is_that_of_finite_differences(light):
    exact = SkinLight(COEFFICIENTS.double(), torch.zeros(TEXELS), GAINS)
    skin = skin_under(light, torch.zeros(TEXELS))
    double = ObservedSkin(
        None, skin.colour, skin.weight, F.normalize(skin.normal.double(), dim=-1),
        skin.gradients.double(), skin.overexposed,
    )  # fmt: skip
    found = exact.response(double)
    assert found.shape == (4, 2, TEXELS)
    step = 1e-5
    for axis in (0, 1):
        ways = [
            F.normalize(double.normal - sign * step * double.gradients[:, :, axis], dim=-1)
            for sign in (1, -1)
        ]
        up, down = (exact.irradiance(n).log() for n in ways)
        torch.testing.assert_close(found[:, axis], (up - down) / (2 * step), atol=1e-3, rtol=1e-3)


def test_light_is_never_dark():
    light = SkinLight(-harmonics(torch.tensor([0.0, 0.0, 1.0])), torch.zeros(1), torch.zeros(1))
    assert light.irradiance(torch.tensor([[0.0, 0.0, 1.0]])) == pytest.approx(0.02)
