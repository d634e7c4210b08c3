"""Training takes little and learns something; interrupted, it goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.avatar.mattes.net_mattes import MattingModel
from mien_training.avatar.mattes.train_mattes import TrainMattesConfig, train_mattes
from mien_training.runs.run_folder import claimed_folder


@pytest.mark.parametrize(
    ("values", "field"),
    [({"people": 0}, "people"), ({"widths": (8,)}, "widths"), ({"widths": (8, 12)}, "widths"),
     ({"side": 120}, "side is 120, expected a multiple of 16"), ({"learning_rate": 0}, "learning"),
     ({"device": "tpu"}, "device")],
)  # fmt: skip
def test_configurations_that_cannot_be(values, field):
    with pytest.raises(InputError, match=field):
        TrainMattesConfig(**values)


@pytest.fixture(scope="module")
def run(matte_sample, tmp_path_factory, one_thread):
    """Of a run that was interrupted when all people were photographed."""
    config = TrainMattesConfig(
        tmp_path_factory.mktemp("mattes") / "run", people=1, pictures=1, held_out=1, side=32,
        widths=(8, 16), steps=30, batch=4, learning_rate=1e-2, workers=1, device="cpu",
    )  # fmt: skip
    folder = config.out / "people"
    with claimed_folder(config.out, config, ("out", "workers", "device")):
        folder.mkdir()
        for seed in (70_000, 80_000):
            matte_sample.write(folder / f"{seed}.npz")
    return config, train_mattes(config, quiet=True)


def test_it_learns_and_says_so(run):
    config, metrics = run
    assert metrics == json.loads((config.out / "metrics.json").read_text())
    assert np.isfinite(metrics["error"]) and metrics["error"] < 0.45  # 0.5 and more at the start
    assert metrics["mesh"] > 0
    model = MattingModel(config.out / "matting.onnx")
    assert metrics["bytes"] == model.size_bytes


def test_called_again_nothing_is_done_again(run):
    config, metrics = run
    people = sorted((config.out / "people").iterdir())
    before = [path.stat().st_mtime_ns for path in people]
    assert len(people) == 2  # and nobody else was photographed
    assert train_mattes(config, quiet=True)["history"] == metrics["history"]
    assert [path.stat().st_mtime_ns for path in people] == before


def test_another_configuration_does_not_take_the_folder(run):
    with pytest.raises(InputError, match="steps"):
        train_mattes(replace(run[0], steps=31), quiet=True)
