"""Checkpoints come back as they were, to the fit that wrote them only."""

from dataclasses import dataclass, replace

import pytest
import torch
from support.rig_scene import film, small_person

from mien.errors import InputError
from mien_training.rig.origin import origin_of
from mien_training.runs.checkpoint import load_checkpoint, save_checkpoint

MINE = {"configuration": {"steps": 3}, "footage": "a"}


@dataclass(frozen=True)
class Config:
    steps: int = 3


def test_round_trip(tmp_path):
    path = tmp_path / "checkpoint.pt"
    assert load_checkpoint(path, MINE) is None
    save_checkpoint(path, MINE, {"step": 7, "x": torch.arange(3), "deep": [{"a": 1.5}]})
    state = load_checkpoint(path, MINE)
    assert state["step"] == 7 and state["deep"] == [{"a": 1.5}]
    assert torch.equal(state["x"], torch.arange(3))


def test_another_origin_or_file_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, MINE, {"step": 7})
    with pytest.raises(InputError, match=r"checkpoint.pt.*another configuration;"):
        load_checkpoint(path, MINE | {"configuration": {"steps": 4}})
    with pytest.raises(InputError, match=r"checkpoint.pt.*another footage;"):
        load_checkpoint(path, MINE | {"footage": "b"})
    for content in (b"no checkpoint", b""):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"checkpoint.pt: not a checkpoint"):
            load_checkpoint(path, MINE)


def test_an_origin_changes_with_everything_the_fit_depends_on():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    person = small_person()
    seen = film(person).seen
    mine = origin_of(Config(), person, seen)
    assert mine == origin_of(Config(), person, film(person).seen)
    assert origin_of(Config(4), person, seen)["configuration"] != mine["configuration"]
    other = replace(person, vertices=person.vertices + 1e-4)
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
