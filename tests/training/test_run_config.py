"""One folder, one configuration."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from mien.errors import InputError
from mien_training.run_config import claimed_folder, plain_config


@dataclass(frozen=True)
class Config:
    out: Path
    steps: int = 3
    clips: tuple[Path, ...] = ()
    workers: int | None = None


def test_what_does_not_change_the_result_is_left_out(tmp_path):
    config = Config(tmp_path, clips=(Path("a.csv"),), workers=2)
    assert plain_config(config, ("out", "workers")) == {"steps": 3, "clips": ["a.csv"]}


def claim(folder, config, leave_out=("out",)):
    with claimed_folder(folder, config, leave_out):
        pass


def test_the_same_call_may_come_again_and_another_may_not(tmp_path):
    claim(tmp_path, Config(tmp_path, workers=1), ("out", "workers"))
    claim(tmp_path, Config(Path("elsewhere"), workers=2), ("out", "workers"))
    with pytest.raises(InputError, match=r"config\.json.*other options"):
        claim(tmp_path, Config(tmp_path, steps=4), ("out", "workers"))


def refused(folder, config, leaves=()):
    with pytest.raises(InputError, match="no footage"), claimed_folder(folder, config):
        for name in leaves:
            (folder / name).touch()
        raise InputError("no footage")


def test_a_refused_call_leaves_the_folder_to_the_corrected_one(tmp_path):
    folder = tmp_path / "new" / "run"
    refused(folder, Config(folder, steps=4))
    assert not folder.exists()
    (tmp_path / "mine.txt").touch()
    refused(tmp_path, Config(tmp_path, steps=4))
    assert not (tmp_path / "config.json").exists() and (tmp_path / "mine.txt").exists()
    refused(folder, Config(folder, steps=4), leaves=("checkpoint.pt",))  # work that may go on
    with pytest.raises(InputError, match="other options"):
        claim(folder, Config(folder))


def test_a_refused_call_keeps_the_claim_of_an_earlier_one(tmp_path):
    claim(tmp_path, Config(tmp_path))
    refused(tmp_path, Config(tmp_path))
    assert (tmp_path / "config.json").exists()


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json: not the configuration"):
        claim(tmp_path, Config(tmp_path))
