"""The loop learns what can be learnt, repeats itself, and resumes where it stopped."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.animator import training_loop
from mien_training.animator.motion_loss import motion_gram, moving_vertices
from mien_training.animator.training_loop import FitConfig, MotionCost, fit, predict
from mien_training.animator.training_set import InputSequence
from mien_training.runs.progress import Progress

pytestmark = pytest.mark.usefixtures("one_thread")

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
def motion() -> MotionCost:
    deltas = np.random.default_rng(5).normal(0, 0.005, (3, 20, 3)).astype(np.float32)
    skin = np.ones(20, bool)
    return MotionCost(motion_gram(deltas, skin), deltas, moving_vertices(deltas, skin))


def test_it_learns_and_beats_the_mean_face(motion):
    held = sequences(4, 2)
    network, trained = fit(sequences(18, 1), held, GROUPS, CHANNELS, motion, SMALL)
    guess = np.concatenate([predict(network, s) for s in held])
    true = np.concatenate([s.weights for s in held])
    assert np.abs(guess - true).mean() < 0.35 * np.abs(true - true.mean(0)).mean()
    assert trained.error == min(check["error"] for check in trained.history) > 0


def test_the_same_seed_gives_the_same_network(motion):
    short = replace(SMALL, steps=20)
    held = sequences(3, 2)
    a, _ = fit(sequences(6, 1), held, GROUPS, CHANNELS, motion, short)
    b, _ = fit(sequences(6, 1), held, GROUPS, CHANNELS, motion, short)
    assert np.array_equal(predict(a, held[0]), predict(b, held[0]))


def stopping(at: int):
    def report(now: Progress) -> None:
        if now.done == at:
            raise KeyboardInterrupt

    return report


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(motion, tmp_path):
    path, steps = tmp_path / "checkpoint.pt", []
    data = sequences(6, 1), sequences(3, 2)
    whole, curve = fit(*data, GROUPS, CHANNELS, motion, SMALL)
    with pytest.raises(KeyboardInterrupt):
        fit(*data, GROUPS, CHANNELS, motion, SMALL, path, stopping(150))
    torch.rand(5)  # another process has another random state
    network, trained = fit(
        *data, GROUPS, CHANNELS, motion, SMALL, path, lambda now: steps.append(now.done)
    )
    assert steps == list(range(101, 201))  # from the last checkpoint
    assert trained == curve
    for name, value in whole.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name


def test_the_average_of_the_weights_is_kept_where_it_is_asked_for(motion):
    short, data = replace(SMALL, steps=30), (sequences(6, 1), sequences(3, 2))
    plain, _ = fit(*data, GROUPS, CHANNELS, motion, short)
    average, trained = fit(*data, GROUPS, CHANNELS, motion, replace(short, ema_decay=0.9))
    begun, _ = fit(*data, GROUPS, CHANNELS, motion, replace(short, steps=1))
    first, last, mean = (n.state_dict()["regression.out.bias"] for n in (begun, plain, average))
    assert (mean - first).norm() < 0.95 * (last - first).norm()  # it lags behind
    assert not torch.equal(mean, last) and trained.step == 30


def test_bfloat16_learns_as_well_though_not_the_same(motion):
    data = sequences(6, 1), sequences(3, 2)
    full, expected = fit(*data, GROUPS, CHANNELS, motion, SMALL)
    half, trained = fit(*data, GROUPS, CHANNELS, motion, replace(SMALL, precision="bfloat16"))
    name = "regression.skip.weight"
    assert not torch.equal(half.state_dict()[name], full.state_dict()[name])
    assert half.state_dict()[name].dtype == torch.float32
    assert trained.error < 1.1 * expected.error


def test_it_ends_when_its_patience_does(motion, monkeypatch):
    monkeypatch.setattr(training_loop, "_CHECK_EVERY", 5)
    errors = iter(range(1, 99))
    monkeypatch.setattr(training_loop, "_error", lambda *_: float(next(errors)))
    patient = replace(SMALL, patience=3)
    network, trained = fit(sequences(6, 1), sequences(3, 2), GROUPS, CHANNELS, motion, patient)
    assert trained.step == 5 and trained.history[-1]["step"] == 20  # of 200
    assert not network.training


@pytest.mark.parametrize("wrong", [{"ema_decay": 1.0}, {"precision": "float16"}, {"patience": 0}])
def test_settings_of_the_loop_are_checked_at_once(wrong):
    with pytest.raises(InputError, match=r"TrainerConfig: .*expected"):
        FitConfig(**wrong)


def test_a_checkpoint_of_other_settings_or_data_is_refused(motion, tmp_path):
    path, short = tmp_path / "checkpoint.pt", replace(SMALL, steps=2)
    data = sequences(6, 1), sequences(3, 2)
    fit(*data, GROUPS, CHANNELS, motion, short, path)
    with pytest.raises(InputError, match="another configuration"):
        fit(*data, GROUPS, CHANNELS, motion, replace(short, seed=4), path)
    with pytest.raises(InputError, match="another data"):
        fit(sequences(6, 5), data[1], GROUPS, CHANNELS, motion, short, path)
    other = replace(motion, gram=2 * motion.gram)  # the character was fitted anew
    with pytest.raises(InputError, match="another data"):
        fit(*data, GROUPS, CHANNELS, other, short, path)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_it_learns_on_cuda(motion):
    held, device = sequences(3, 2), torch.device("cuda")
    network, trained = fit(sequences(6, 1), held, GROUPS, CHANNELS, motion, SMALL, device=device)
    assert network.mean.device.type == "cuda" and trained.history[-1]["step"] == 200
    assert predict(network, held[0]).shape == held[0].weights.shape
