"""Checkpoints come back as they were, random generators too, to the job that wrote them only."""

import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.rig_scene import recorded_scene, small_person

from mien.errors import InputError
from mien_training.rig.origin import origin_of
from mien_training.runs.checkpoint import Checkpoint, plain_state

MINE = {"configuration": {"steps": 3, "weights": (0.3, 0.1)}, "footage": "a"}


@dataclass(frozen=True)
class Config:
    steps: int = 3


def test_round_trip(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", MINE)
    assert checkpoint.load() is None and checkpoint.resume() is None
    array = np.arange(6.0).reshape(2, 3).T
    checkpoint.save({"step": np.int64(7), "x": torch.arange(3), "deep": [{"a": 1.5}], "y": array})
    state = checkpoint.load()
    assert state["step"] == 7 and state["deep"] == [{"a": 1.5}]
    assert torch.equal(state["x"], torch.arange(3))
    assert np.array_equal(np.asarray(state["y"]), array) and state["y"].dtype == torch.float64


def test_plain_states_share_nothing_with_what_they_are_of():
    x = torch.zeros(3)
    state = plain_state({"x": x, "pair": (x, [np.float32(2.0)])})
    x += 1
    assert not state["x"].any() and not state["pair"][0].any() and state["pair"][1] == [2.0]


def draws() -> list[float]:
    return [random.random(), np.random.rand(), float(torch.rand(())), random.gauss(0, 1)]


def test_every_random_generator_goes_on_where_it_was(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", MINE)
    random.gauss(0, 1), np.random.randn()  # both keep half of a pair for the next call
    checkpoint.save({})
    expected = draws()
    checkpoint.load()
    assert draws() != expected  # a look at a checkpoint changes nothing
    checkpoint.resume()
    assert draws() == expected


def test_another_origin_or_file_is_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", MINE)
    checkpoint.save({"step": 7})
    other = replace(checkpoint, origin=MINE | {"configuration": {"steps": 4}})
    with pytest.raises(InputError, match=r"checkpoint\.pt.*another configuration;"):
        other.load()
    for origin in (MINE | {"footage": "b"}, {"configuration": MINE["configuration"]}):
        with pytest.raises(InputError, match=r"checkpoint\.pt.*another footage;"):
            replace(checkpoint, origin=origin).resume()


def test_every_damage_is_found_and_named(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", MINE)
    checkpoint.save({"x": torch.arange(50)})
    whole = checkpoint.path.read_bytes()
    rng = np.random.default_rng(0)
    for kind in ("flip", "cut", "empty", "other") * 8:
        data = bytearray(whole)
        if kind == "flip":
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        elif kind == "cut":
            del data[int(rng.integers(len(data))) :]
        else:
            data = bytearray(b"" if kind == "empty" else b"no checkpoint")
        checkpoint.path.write_bytes(data)
        with pytest.raises(InputError, match=r"checkpoint\.pt: .*; delete it to start afresh"):
            checkpoint.load()


def test_a_state_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", MINE)
    checkpoint.save({"step": 1})

    def fail(self, target):
        raise KeyboardInterrupt  # between the last byte and the new name

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", fail)
        checkpoint.save({"step": 2})
    assert checkpoint.load() == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_an_origin_changes_with_everything_the_fit_depends_on():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    person = small_person()
    seen = recorded_scene(person).seen
    mine = origin_of(Config(), person, seen)
    assert mine == origin_of(Config(), person, recorded_scene(person).seen)
    assert origin_of(Config(4), person, seen)["configuration"] != mine["configuration"]
    for other in (
        replace(person, vertices=person.vertices + 1e-4),
        replace(person, shape_names=person.shape_names[::-1]),
    ):
        assert origin_of(Config(), other, seen)["template"] != mine["template"]
    moved = replace(seen.views, camera_from_world=seen.views.camera_from_world + 0.01)
    films = (
        replace(seen, views=moved),
        replace(seen, images=seen.images + 1),
        replace(seen, points=seen.points[:-1]),
        replace(seen, times_s=seen.times_s + 0.1),
        replace(seen, masks=torch.ones(seen.images.shape[:3], dtype=torch.bool)),
    )
    found = {origin_of(Config(), person, one)["footage"] for one in (seen, *films)}
    assert len(found) == 6
