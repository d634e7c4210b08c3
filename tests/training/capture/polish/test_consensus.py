"""Pictures agree on colours beside their light, and one that disagrees has no say."""

import pytest
import torch
import torch.nn.functional as F

from mien_training.capture.polish.consensus import consensus, place_light, robust_cost
from mien_training.rendering.appearance import harmonics


@pytest.fixture
def made():
    """Five pictures of 400 places, each with its own light and a little noise."""
    rng = torch.Generator().manual_seed(0)
    basis = harmonics(F.normalize(torch.randn(400, 3, generator=rng), dim=-1))
    albedo = torch.randn(3, 400, generator=rng)
    light = 0.3 * torch.randn(5, 3, 9, generator=rng)
    noise = 0.02 * torch.randn(5, 3, 400, generator=rng)
    return albedo + place_light(light, basis) + noise, torch.ones(5, 400), basis


def test_light_is_no_disagreement(made):
    colour, seen, basis = made
    found = consensus(colour, seen, basis, None)
    for _ in range(3):
        found = consensus(colour, seen, basis, found)
    assert found.residual.std() < 0.025
    assert (found.noise - 0.02).abs().max() < 0.01


def test_what_one_picture_alone_shows_loses_its_say(made):
    colour, seen, basis = made
    colour = colour.clone()
    colour[2, :, :40] += 0.5
    found = consensus(colour, seen, basis, None)
    for _ in range(3):
        found = consensus(colour, seen, basis, found)
    assert found.weight[2, :40].max() < 0.05 < 0.3 < found.weight[[0, 1, 3, 4], :40].mean()


def test_brighter_counts_less_than_darker():
    noise = torch.full((1,), 0.02)
    residual = torch.full((1, 3, 1), 0.03)
    assert robust_cost(residual, noise) > robust_cost(-residual, noise) > 0
    assert robust_cost(100 * residual, noise) < 1


def test_hidden_pictures_have_no_noise_that_counts(made):
    colour, seen, basis = made
    seen = seen.clone()
    seen[4] = 0
    found = consensus(colour, seen, basis, None)
    assert found.noise[4].isinf() and not found.weight[4].any()
    assert found.residual[:4].isfinite().all()
