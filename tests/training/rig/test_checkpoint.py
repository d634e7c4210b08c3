"""Checkpoints come back as they were, to the run that wrote them only."""

from dataclasses import dataclass

import pytest
import torch

from mien.errors import InputError
from mien_training.rig.checkpoint import load_checkpoint, save_checkpoint


@dataclass(frozen=True)
class Config:
    steps: int = 3


def test_round_trip(tmp_path):
    path = tmp_path / "checkpoint.pt"
    assert load_checkpoint(path, Config()) is None
    save_checkpoint(path, Config(), {"step": 7, "x": torch.arange(3), "deep": [{"a": 1.5}]})
    state = load_checkpoint(path, Config())
    assert state["step"] == 7 and state["deep"] == [{"a": 1.5}]
    assert torch.equal(state["x"], torch.arange(3))


def test_another_configuration_or_file_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, Config(), {"step": 7})
    with pytest.raises(InputError, match=r"checkpoint.pt.*another configuration"):
        load_checkpoint(path, Config(steps=4))
    path.write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match=r"checkpoint.pt: not a checkpoint"):
        load_checkpoint(path, Config())
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"checkpoint.pt: not a checkpoint"):
        load_checkpoint(path, Config())
