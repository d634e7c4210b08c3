"""One folder, one configuration."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from mien.errors import InputError
from mien_training.runs.run_folder import claim_inputs, claimed_folder, plain_config, told_config


@dataclass(frozen=True)
class Config:
    out: Path
    steps: int = 3
    clips: tuple[Path, ...] = ()
    workers: int | None = None


def test_what_does_not_change_the_result_is_left_out(tmp_path):
    config = Config(tmp_path, clips=(Path("a.csv"),), workers=2)
    assert plain_config(config, ("out", "workers")) == {"steps": 3, "clips": ["a.csv"]}


def test_what_others_are_told_names_no_folder():
    @dataclass(frozen=True)
    class Nested:
        inner: Config
        template: str
        out: Path = Path("out")

    inner = Config(Path("/home/ada/run"), clips=(Path("/home/ada/a.csv"), Path("b.csv")))
    found = told_config(Nested(inner, "/home/ada/head.glb"))
    clips = {"out": "run", "steps": 3, "clips": ["a.csv", "b.csv"], "workers": None}
    assert found == {"inner": clips, "template": "head.glb"}
    assert told_config(Nested(inner, "anny"))["template"] == "anny"


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
    assert not any(tmp_path.iterdir())
    refused(folder, Config(folder, steps=4), leaves=("checkpoint.pt",))  # work that may go on
    with pytest.raises(InputError, match=r"other options \(steps is 4 there, 3 here\)"):
        claim(folder, Config(folder))


def test_an_interrupted_call_that_did_nothing_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), claimed_folder(tmp_path / "run", Config(tmp_path)):
        raise KeyboardInterrupt
    assert not (tmp_path / "run").exists()


def test_folders_of_others_are_not_taken(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InputError, match=r"holds other files \(mine\.txt\)"):
        claim(tmp_path, Config(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(InputError, match=r"mine\.txt: cannot be the run's folder"):
        claim(tmp_path / "mine.txt", Config(tmp_path))


def test_what_an_older_version_did_not_know_is_named(tmp_path):
    claim(tmp_path, Config(tmp_path))
    (tmp_path / "config.json").write_text('{"clips": [], "steps": 3, "deep": {"a": 1}}')
    with pytest.raises(InputError, match="deep is unknown to this version; workers is unknown the"):
        claim(tmp_path, Config(tmp_path))


def test_a_refused_call_keeps_the_claim_of_an_earlier_one(tmp_path):
    claim(tmp_path, Config(tmp_path))
    refused(tmp_path, Config(tmp_path))
    assert (tmp_path / "config.json").exists()


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json: not the configuration"):
        claim(tmp_path, Config(tmp_path))


def test_inputs_of_other_content_are_named(tmp_path):
    folder, config = tmp_path / "run", Config(tmp_path)
    for _ in range(2):
        with claimed_folder(folder, config):
            claim_inputs(folder, {"rig": "a", "clip smile.csv": "b"})
            (folder / "checkpoint.pt").touch()
    with pytest.raises(InputError, match=r"run began: clip frown\.csv, clip smile\.csv, rig; give"):
        claim_inputs(folder, {"rig": "c", "clip frown.csv": "b"})
    (folder / "inputs.json").write_text("[]")
    with pytest.raises(InputError, match=r"inputs\.json: not the inputs of a run"):
        claim_inputs(folder, {"rig": "a"})


def test_a_call_that_only_claimed_its_inputs_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), claimed_folder(tmp_path / "run", Config(tmp_path)):
        claim_inputs(tmp_path / "run", {"rig": "a"})
        raise KeyboardInterrupt
    assert not (tmp_path / "run").exists()
