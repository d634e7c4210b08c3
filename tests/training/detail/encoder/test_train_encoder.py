"""Training takes little and learns something; interrupted, it goes on."""

import json

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.detail.encoder.evidence_maps import HEIGHT_UNIT_M
from mien_training.detail.encoder.skin_encoder import SkinEncoder
from mien_training.detail.encoder.train_encoder import (
    EncoderLoss,
    TrainEncoderConfig,
    relative_error,
    train_encoder,
)
from mien_training.detail.fit.linear_fit import DetailModel


@pytest.mark.parametrize(
    ("values", "field"),
    [({"people": 0}, "people"), ({"widths": (8,)}, "widths"), ({"widths": (8, 12)}, "widths"),
     ({"images": 1}, "images"), ({"learning_rate": 0.0}, "learning_rate"),
     ({"device": "tpu"}, "device")],
)  # fmt: skip
def test_configurations_that_cannot_be(values, field):
    with pytest.raises(InputError, match=field):
        TrainEncoderConfig(**values)


@pytest.fixture(scope="module")
def run(small_basis, tmp_path_factory, one_thread):
    out = tmp_path_factory.mktemp("encoder")
    small_basis.save(out / "small.npz")
    config = TrainEncoderConfig(
        out / "run", people=2, images=2, held_out=1, basis=out / "small.npz", widths=(8, 16),
        steps=30, workers=1, learning_rate=5e-3,
    )  # fmt: skip
    return config, train_encoder(config, quiet=True)


def test_it_learns_and_says_so(run):
    config, metrics = run
    assert metrics == json.loads((config.out / "metrics.json").read_text())
    assert np.isfinite(metrics["error"]) and metrics["error"] < metrics["linear_fit"]
    net = SkinEncoder.load(config.out / "encoder.npz")
    assert net.size == 64 and net.widths == (8, 16)
    assert not torch.equal(net.last.weight, torch.zeros_like(net.last.weight))


def test_called_again_nothing_is_done_again(run):
    config, metrics = run
    people = sorted((config.out / "people").iterdir())
    before = [p.stat().st_mtime_ns for p in people]
    again = train_encoder(config, quiet=True)
    assert again["history"] == metrics["history"]
    assert [p.stat().st_mtime_ns for p in people] == before


def test_another_configuration_does_not_take_the_folder(run):
    config, _ = run
    from dataclasses import replace

    with pytest.raises(InputError, match="steps"):
        train_encoder(replace(config, steps=31), quiet=True)


def test_loss_is_nothing_for_the_truth_and_grows_with_the_error(sample, small_basis):
    losses = EncoderLoss(DetailModel(small_basis), torch.device("cpu"))
    evidence, truth, gates = losses.row(sample, 0)
    torch.testing.assert_close(
        evidence[:3] * HEIGHT_UNIT_M, 1e-3 * torch.from_numpy(sample.fits_mm[0].astype(np.float32))
    )
    values = [float(losses((k * truth)[None], truth[None], gates[None])) for k in (1, 0.9, 0.5, 0)]
    assert values[0] == 0 and sorted(values) == values
    assert relative_error(truth, truth, gates) == 0
    assert relative_error(0 * truth, truth, gates) == pytest.approx(1)
