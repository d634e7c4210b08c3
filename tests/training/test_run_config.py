"""One folder, one configuration."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from mien.errors import InputError
from mien_training.run_config import claim_folder, plain_config


@dataclass(frozen=True)
class Config:
    out: Path
    steps: int = 3
    clips: tuple[Path, ...] = ()
    workers: int | None = None


def test_what_does_not_change_the_result_is_left_out(tmp_path):
    config = Config(tmp_path, clips=(Path("a.csv"),), workers=2)
    assert plain_config(config, ("out", "workers")) == {"steps": 3, "clips": ["a.csv"]}


def test_the_same_call_may_come_again_and_another_may_not(tmp_path):
    claim_folder(tmp_path, Config(tmp_path, workers=1), ("out", "workers"))
    claim_folder(tmp_path, Config(Path("elsewhere"), workers=2), ("out", "workers"))
    with pytest.raises(InputError, match=r"config\.json.*other options"):
        claim_folder(tmp_path, Config(tmp_path, steps=4), ("out", "workers"))


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json: not the configuration"):
        claim_folder(tmp_path, Config(tmp_path))
