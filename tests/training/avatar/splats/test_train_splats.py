"""Painted balls are learnt from a few frames, the same after an interruption, and frames that were
tracked a little beside are told so."""

import re
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.avatar.splats.train_splats import (
    SplatAvatar,
    SplatsConfig,
    image_loss,
    train_splats,
)
from mien_training.runs.checkpoint import Checkpoint

CONFIG = SplatsConfig(network="codes", atlas=64, widths=(4, 4, 8), hair_layers=False, steps=120)


@pytest.fixture(scope="module", autouse=True)
def alone(one_thread):
    """Sums in one order."""


def learn(film, atlas, config=CONFIG, **options):
    looked_at = torch.zeros(film.images.shape[:3])
    return train_splats(film, atlas, config, looked_at, **options)


def decibels(avatar, film, frames):
    errors = []
    with torch.no_grad():
        for frame in frames:
            cloud = avatar(film.vertices([frame]), film.codes([frame]))
            image = cloud.image(film.camera(frame), film.side)
            errors.append((image[..., :3] - film.premultiplied(frame)).square().mean())
    return -10 * float(torch.stack(errors).mean().log10())


@pytest.fixture(scope="module")
def learnt(ball_film, ball_atlas):
    return learn(ball_film, ball_atlas)


def test_painted_balls_are_learnt(learnt, ball_film, ball_atlas):
    avatar, correction, trained = learnt
    untrained = SplatAvatar(ball_film, ball_atlas, CONFIG)
    before = decibels(untrained, ball_film, ball_film.held_out)
    assert decibels(avatar, ball_film, range(9)) > 20
    assert decibels(avatar, ball_film, ball_film.held_out) > before + 5
    assert trained.history[-1]["step"] == CONFIG.steps
    assert correction.motion.shape == (9, 6)
    assert correction.motion.abs().max() > 0


def test_an_interrupted_run_ends_where_another_does(learnt, ball_film, ball_atlas, tmp_path,
                                                    monkeypatch):  # fmt: skip
    from mien_training.avatar.splats import train_splats as module

    def often(steps, _):
        return trainer_config(steps, 25)

    trainer_config = module.TrainerConfig
    monkeypatch.setattr(module, "TrainerConfig", often)
    config = replace(CONFIG, steps=60)
    whole = learn(ball_film, ball_atlas, config)[0].state_dict()

    def stop(progress):
        if progress.done == 40:
            raise KeyboardInterrupt

    kept = Checkpoint(tmp_path / "checkpoint.pt", {"inputs": 1})
    with pytest.raises(KeyboardInterrupt):
        learn(ball_film, ball_atlas, config, checkpoint=kept, report=stop)
    torch.manual_seed(99)
    again = learn(ball_film, ball_atlas, config, checkpoint=kept)[0].state_dict()
    for name, value in whole.items():
        assert torch.equal(value, again[name]), name


def test_gaussians_that_move_survive_interruptions(ball_film, ball_atlas, tmp_path, monkeypatch):
    """Where each hangs, and what the optimiser knows of it, is in the checkpoint: a relocation
    just after one, and one that is done again, end where an uninterrupted training does."""
    from mien_training.avatar.splats import train_splats as module

    trainer_config = module.TrainerConfig
    monkeypatch.setattr(module, "TrainerConfig", lambda steps, _: trainer_config(steps, 5))
    # Opacity at first, nearly: half of all fade at once. They move before steps 3, 5, 7 and 9.
    monkeypatch.setattr("mien_training.avatar.splats.relocation._FADED", 0.8808)
    config = replace(CONFIG, steps=24)
    whole = learn(ball_film, ball_atlas, config)[0]
    untrained = SplatAvatar(ball_film, ball_atlas, config)
    assert (whole.head.anchor != untrained.head.anchor).sum() > 20
    kept = Checkpoint(tmp_path / "checkpoint.pt", {"inputs": 1})
    for step in (6, 8):

        def stop(progress, step=step):
            if progress.done == step:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            learn(ball_film, ball_atlas, config, checkpoint=kept, report=stop)
    again = learn(ball_film, ball_atlas, config, checkpoint=kept)[0].state_dict()
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again[name]), name


def test_the_loss_is_of_known_pixels(ball_film):
    film = replace(ball_film, known=np.zeros(ball_film.alpha.shape, np.bool_))
    film.known[:, :, 32:] = True
    alpha = torch.from_numpy(film.alpha[0]).float()[..., None] / 255
    drawn = torch.cat([film.premultiplied(0), alpha], 2)
    backdrop, plain = torch.tensor([0.2, 0.5, 0.9]), torch.zeros(64, 64)
    assert float(image_loss(film, 0, drawn, backdrop, plain, CONFIG)) == pytest.approx(0, abs=1e-6)
    wrong = drawn.clone()
    wrong[:, :32] = 1 - wrong[:, :32]
    some = float(image_loss(film, 0, wrong, backdrop, plain, CONFIG))
    known = float(image_loss(ball_film, 0, wrong, backdrop, plain, CONFIG))
    assert some < 0.05 * known  # but for the step at the border
    looked_at = torch.ones(64, 64)
    more = float(image_loss(ball_film, 0, wrong, backdrop, looked_at,
                            replace(CONFIG, alpha_weight=0)))  # fmt: skip
    less = float(image_loss(ball_film, 0, wrong, backdrop, plain, replace(CONFIG, alpha_weight=0)))
    assert more == pytest.approx(CONFIG.looked_at * less)


def test_a_film_without_coverage_is_refused(ball_film):
    """A head that is not there would explain it."""
    film = replace(ball_film, alpha=None, plate=None)
    with pytest.raises(InputError, match="a film without coverage, expected one with mattes"):
        train_splats(film, None, CONFIG, torch.zeros(len(film), 64, 64))


@pytest.mark.parametrize("values", [
    {"steps": 0}, {"rate": 0.0}, {"rate": nan}, {"network_rate": -1.0}, {"network_rate": inf},
    {"atlas": 32}, {"network_size": 1024}, {"network": "magic"}, {"appearance": 65},
    {"widths": ()}, {"widths": (8, 0)}, {"network_size": 68}, {"looked_at": 0.5},
    {"looked_at": nan}, {"looked_at": inf}, {"relocations": -1}, {"relocated": -0.1},
    {"relocated": 1.5}, {"relocated": nan}, {"correction_from": 1.1}, {"correction_from": nan},
    {"correction_hold": -1.0}, {"appearance_hold": nan}, {"alpha_weight": nan},
    {"edges_weight": -0.5}, {"edges_weight": inf},
])  # fmt: skip
def test_options_out_of_range(values):
    (name,) = values
    said = re.escape(f"{name} {values[name]!r}")
    with pytest.raises(InputError, match=f"splats: .*{said}.* expected"):
        SplatsConfig(**values)


def test_codes_of_frames_take_what_the_camera_changed(ball_film, ball_atlas):
    """One moment, exposed in two ways: without codes the head learns what lies between."""
    one = [0] * len(ball_film)
    images = ball_film.images[one].copy()
    images[::2] = 0.6 * images[::2]
    film = replace(
        ball_film, images=images, alpha=ball_film.alpha[one], K=ball_film.K[one],
        camera_from_rig=ball_film.camera_from_rig[one], weights=ball_film.weights[one], plate=None,
    )  # fmt: skip
    config = replace(CONFIG, steps=150, correction=False, network_rate=0.01)
    _, _, plain = learn(film, ball_atlas, config)
    told, _, by_codes = learn(film, ball_atlas, replace(config, appearance=4))
    assert by_codes.history[-1]["loss"] < 0.9 * plain.history[-1]["loss"]
    with torch.no_grad():
        still = film.vertices([0]), film.codes([0])
        assert torch.equal(told(*still, torch.zeros(1, 4)).colours, told(*still).colours)
        assert not torch.equal(told(*still, torch.ones(1, 4)).colours, told(*still).colours)
