"""A finished stage is never run again."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.stages import Stages


def job(stages: Stages, ran: list[str], stop_in: str | None = None) -> list[float]:
    """Three stages, each with a random draw."""

    def work(name: str) -> dict[str, object]:
        ran.append(name)
        if name == stop_in:
            raise KeyboardInterrupt
        return {"draw": np.random.rand(2), "more": torch.rand(1)}

    results = [stages.run(name, lambda name=name: work(name)) for name in "abc"]
    return [float(x) for r in results for x in (*r["draw"], *r["more"])]


def seeded():
    np.random.seed(1)
    torch.manual_seed(1)


@pytest.mark.parametrize("stop", ["a", "b", "c"])
def test_an_interrupted_job_goes_on_with_the_stage_it_was_in(tmp_path, stop):
    seeded()
    expected = job(Stages(), [])
    seeded()
    checkpoint, ran = Checkpoint(tmp_path / "checkpoint.pt", {"job": 1}), []
    with pytest.raises(KeyboardInterrupt):
        job(Stages(checkpoint), ran, stop)
    seeded()  # as the next call does, before it knows of a checkpoint
    assert job(Stages(checkpoint), ran) == expected
    assert ran == sorted("abc" + stop)
    assert job(Stages(checkpoint), ran) == expected and len(ran) == 4


def test_states_of_an_unfinished_stage_replace_each_other(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", {"job": 1})
    stages, x = Stages(checkpoint), torch.zeros(1)
    assert stages.kept("rounds") is None
    stages.keep("rounds", {"x": x})
    x += 1
    assert Stages(checkpoint).kept("rounds")["x"] == 0 == stages.kept("rounds")["x"]
    stages.keep("rounds", {"x": x})
    assert Stages(checkpoint).kept("rounds")["x"] == 1


def test_stages_of_another_job_are_refused(tmp_path):
    Stages(Checkpoint(tmp_path / "checkpoint.pt", {"job": 1})).keep("a", {})
    with pytest.raises(InputError, match="another job"):
        Stages(Checkpoint(tmp_path / "checkpoint.pt", {"job": 2}))
