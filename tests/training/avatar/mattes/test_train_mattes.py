"""Training takes little and learns something; interrupted, it goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.avatar.mattes.net_mattes import MattingModel
from mien_training.avatar.mattes.train_mattes import TrainMattesConfig, train_mattes


@pytest.mark.parametrize(
    ("values", "field"),
    [({"people": 0}, "people"), ({"widths": (8,)}, "widths"), ({"widths": (8, 12)}, "widths"),
     ({"side": 120}, "side is 120, expected a multiple of 16"), ({"learning_rate": 0.0}, "learning"),
     ({"device": "tpu"}, "device")],
)  # fmt: skip
def test_configurations_that_cannot_be(values, field):
    with pytest.raises(InputError, match=field):
        TrainMattesConfig(**values)


@pytest.fixture(scope="module")
def run(matte_sample, tmp_path_factory, one_thread):
    """People's samples are there already: of the test's own, small ones."""
    out = tmp_path_factory.mktemp("mattes") / "run"
    config = TrainMattesConfig(
        out, people=1, held_out=1, side=32, widths=(8, 16), steps=30, batch=4, workers=1,
        learning_rate=1e-2, device="cpu",
    )  # fmt: skip
    from mien_training.avatar.mattes import train_mattes as module

    patch = pytest.MonkeyPatch()
    patch.setattr(module, "_photograph", lambda *_: None)
    patch.setattr(module, "run_in_processes", lambda *_: None)
    patch.setattr(module.MatteSample, "read", classmethod(lambda cls, path: matte_sample))
    with patch.context():
        yield config, train_mattes(config, quiet=True)
    patch.undo()


def test_it_learns_and_says_so(run):
    config, metrics = run
    assert metrics == json.loads((config.out / "metrics.json").read_text())
    assert np.isfinite(metrics["error"]) and metrics["error"] < 0.45  # 0.5 and more at the start
    assert metrics["mesh"] > 0
    model = MattingModel(config.out / "matting.onnx")
    assert metrics["bytes"] == model.size_bytes


def test_called_again_nothing_is_done_again(run):
    config, metrics = run
    assert train_mattes(config, quiet=True)["history"] == metrics["history"]


def test_another_configuration_does_not_take_the_folder(run):
    with pytest.raises(InputError, match="steps"):
        train_mattes(replace(run[0], steps=31), quiet=True)
