"""The loop learns what can be learnt, repeats itself, and resumes where it stopped."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.animator.fit import FitConfig, Motion, fit, predict
from mien_training.animator.motion_loss import motion_gram, moving_vertices
from mien_training.animator.training_set import InputSequence

CHANNELS = ("jawOpen", "mouthPucker", "eyeBlinkLeft")
GROUPS = ("scores",)
SMALL = FitConfig(steps=200, batch=6, window=8, seed=3)


def sequences(count: int, seed: int) -> list[InputSequence]:
    """Scores that are a noisy linear image of three slow channels."""
    mix = np.random.default_rng(99).normal(size=(3, 52))
    rng = np.random.default_rng(seed)
    out = []
    for index in range(count):
        t = np.linspace(0, 6, 40)[:, None]
        w = (0.5 + 0.5 * np.sin(t * rng.uniform(0.5, 2, 3) + rng.uniform(0, 6, 3))).clip(0, 1)
        x = w @ mix + 0.05 * rng.normal(size=(40, 52))
        x = np.concatenate([x, np.zeros((40, 1))], 1).astype(np.float32)
        out.append(InputSequence(x, w.astype(np.float32), index % 3 != 0))
    return out


@pytest.fixture(scope="module")
def motion() -> Motion:
    deltas = np.random.default_rng(5).normal(0, 0.005, (3, 20, 3)).astype(np.float32)
    skin = np.ones(20, bool)
    return Motion(motion_gram(deltas, skin), deltas, moving_vertices(deltas, skin))


def test_it_learns_and_beats_the_mean_face(motion):
    held = sequences(4, 2)
    network, figures = fit(sequences(18, 1), held, GROUPS, CHANNELS, motion, SMALL)
    guess = np.concatenate([predict(network, s) for s in held])
    true = np.concatenate([s.weights for s in held])
    assert np.abs(guess - true).mean() < 0.35 * np.abs(true - true.mean(0)).mean()
    assert figures["validation_mm"] > 0


def test_the_same_seed_gives_the_same_network(motion):
    short = replace(SMALL, steps=20)
    held = sequences(3, 2)
    a, _ = fit(sequences(6, 1), held, GROUPS, CHANNELS, motion, short)
    b, _ = fit(sequences(6, 1), held, GROUPS, CHANNELS, motion, short)
    assert np.array_equal(predict(a, held[0]), predict(b, held[0]))


def test_an_interrupted_run_goes_on(motion, tmp_path):
    class Stop(Exception):
        pass

    def stop(step: int, loss: float) -> None:
        if step == 150:
            raise Stop

    path, steps = tmp_path / "checkpoint.pt", []
    data = sequences(6, 1), sequences(3, 2)
    with pytest.raises(Stop):
        fit(*data, GROUPS, CHANNELS, motion, SMALL, path, stop)
    fit(*data, GROUPS, CHANNELS, motion, SMALL, path, lambda step, loss: steps.append(step))
    assert steps[0] == 101 and steps[-1] == 200  # from the last checkpoint
    with pytest.raises(InputError, match="another configuration"):
        fit(*data, GROUPS, CHANNELS, motion, replace(SMALL, seed=4), path)
