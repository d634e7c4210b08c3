"""What is linear is found again by few maps; more maps leave less; amounts follow the codes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mien.errors import InputError
from mien_training.avatar.bake.linear_bake import BakeConfig, bake
from mien_training.avatar.splats.splat_head import CHANGES
from mien_training.avatar.splats.train_splats import SplatAvatar, SplatsConfig

CONFIG = BakeConfig(bases=2, hidden=24, invented=40, steps=200)


class Mixed(nn.Module):
    """Two maps, their amounts by the two weights: linear unless squares are asked for."""

    def __init__(self, squares=False):
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.maps = 0.3 * torch.randn(3, CHANGES, 64, 64, generator=generator)
        self.squares = squares

    def forward(self, displacements, codes):
        amounts = codes[:, :2]
        if self.squares:
            amounts = torch.cat([amounts, 2 * codes[:, :1] * codes[:, 1:2]], 1)
        maps = self.maps[: amounts.shape[1]]
        return 0.1 + torch.einsum("bk,kfyx->bfyx", amounts, maps)


@pytest.fixture(scope="module")
def avatar(ball_film, ball_atlas):
    made = SplatAvatar(ball_film, ball_atlas, SplatsConfig(atlas=64, hair_layers=False))
    made.network = Mixed()
    return made


def said(avatar, film, frames):
    """(B, N, CHANGES) what the network says of frames."""
    changes = avatar.changes(film.vertices(frames), film.codes(frames))
    return avatar.head.anchors.sample(changes)


@pytest.fixture(scope="module")
def linear(avatar, ball_film):
    return bake(avatar, ball_film, CONFIG, 0)


def test_what_is_linear_is_found_again(avatar, ball_film, linear):
    assert linear.unexplained < 1e-4  # maps are kept in half precision on the way
    assert linear.maps.shape == (2, len(avatar.head.anchors.texel), CHANGES)
    frames = list(range(len(ball_film)))
    wanted = said(avatar, ball_film, frames)
    found = linear.changes(ball_film.codes(frames))
    spread = wanted.std(0).mean()
    assert (found - wanted).square().mean().sqrt() < 0.15 * spread  # amounts are learnt
    apart = (wanted - torch.from_numpy(linear.mean)).flatten(1)
    maps = torch.from_numpy(linear.maps).flatten(1).T
    left = apart.T - maps @ torch.linalg.lstsq(maps, apart.T).solution
    assert left.abs().max() < 2e-3  # the maps alone say it exactly


def test_more_maps_leave_less(avatar, ball_film):
    bent = replace_network(avatar, Mixed(squares=True))
    left = [bake(bent, ball_film, replace(CONFIG, bases=k, steps=1), 0).unexplained
            for k in (1, 2, 3)]  # fmt: skip
    assert left[0] > 1.5 * left[1] > 100 * left[2]
    assert left[2] < 1e-4 < left[1] < left[0] < 1


def replace_network(avatar, network):
    other = SplatAvatar.__new__(SplatAvatar)
    other.__dict__.update(avatar.__dict__)
    other._modules = dict(avatar._modules, network=network)
    return other


def test_amounts_are_of_one_standard_deviation(ball_film, linear):
    frames = list(range(ball_film.training))
    amounts = linear.amounts(ball_film.codes(frames)).numpy()
    assert amounts.shape == (ball_film.training, 2)
    assert 0.3 < amounts.std() < 2
    (first, _), (second, _), (last, offset) = linear.layers
    assert [m.shape for m in (first, second, last)] == [(24, 8), (24, 24), (2, 24)]
    assert offset.shape == (2,)
    # The layers, run as engines do.
    x = ball_film.codes(frames).numpy()
    for n, (matrix, bias) in enumerate(linear.layers):
        x = (x if n == 0 else np.maximum(x, 0)) @ matrix.T + bias
    np.testing.assert_allclose(x, amounts, atol=1e-5)


def test_a_silent_network_bakes_to_nothing(avatar, ball_film, ball_atlas):
    config = SplatsConfig(atlas=64, network="static", hair_layers=False)
    still = SplatAvatar(ball_film, ball_atlas, config)
    found = bake(still, ball_film, replace(CONFIG, steps=1), 0)
    assert found.unexplained == 0
    assert (found.mean == 0).all() and np.abs(found.maps).max() == 0


def test_it_is_the_same_every_time_and_held_out_frames_are_not_seen(avatar, ball_film, linear):
    other = replace(ball_film, weights=ball_film.weights.copy())
    other.weights[ball_film.training :] = 0
    again = bake(avatar, other, CONFIG, 0)
    np.testing.assert_array_equal(again.maps, linear.maps)
    np.testing.assert_array_equal(again.layers[0][0], linear.layers[0][0])


def test_of_a_long_film_some_frames_are_taken(avatar, ball_film, monkeypatch):
    """Memory must not grow with the film; a film of just so many is taken whole."""
    config = replace(CONFIG, invented=0, steps=1)
    seen = []
    monkeypatch.setattr("mien_training.avatar.bake.linear_bake._OWN", 4)
    bake(avatar, ball_film, config, 0, lambda progress: seen.append(progress.total))
    assert seen == [4] * 4
    monkeypatch.setattr("mien_training.avatar.bake.linear_bake._OWN", ball_film.training)
    whole = bake(avatar, ball_film, config, 0)
    monkeypatch.undo()
    np.testing.assert_array_equal(whole.maps, bake(avatar, ball_film, config, 0).maps)


@pytest.mark.parametrize("values", [{"bases": 0}, {"bases": 25}, {"steps": 0}, {"hidden": 0},
                                    {"invented": -1}])  # fmt: skip
def test_options_out_of_range(values):
    (name,) = values
    with pytest.raises(InputError, match=f"bake: .*{name} {values[name]}"):
        BakeConfig(**values)
