"""The loop of later stages: views are left out, the best state stays, nonsense is refused."""

import numpy as np
import pytest
import torch
from support.readings import perfect_reading
from torch import nn

from mien.errors import InputError
from mien_training.capture.learning.train_on_readings import (
    ReadingTraining,
    VertexStage,
    train_on_readings,
)


class Shift(VertexStage):
    """Every vertex of the start, moved alike; remembers which views it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen = torch.arange(0, 6540, 50)
        self.moved = nn.Parameter(torch.zeros(3))
        self.shown: list[int] = []

    def forward(self, reading, views=None):
        self.shown.append(len(reading.K) if views is None else len(set(views.tolist())))
        places = torch.from_numpy(reading.start)[self.chosen] + 0.01 * self.moved
        return [(places, torch.full((len(places),), 1e-3))]


def loss(found, true, spread):
    return 1e3 * (found - true).norm(dim=1).mean()


@pytest.fixture
def path(seen_head, anny, tmp_path):
    pose = seen_head.world_from_head
    truth = (seen_head.vertices - pose[:3, 3]) @ pose[:3, :3]
    start = (truth + [0.003, 0, 0]).astype(np.float32)
    perfect_reading(anny, seen_head, start, side=32).write(tmp_path / "one.npz")
    return tmp_path / "one.npz"


def test_the_stage_comes_nearer_and_views_are_left_out(path):
    stage = Shift()
    config = ReadingTraining(steps=40, batch=4, fewest_views=2, learning_rate=0.05)
    trained = train_on_readings(stage, loss, config, [path], [path])
    last = trained.history[-1]
    assert last["after 0 passes"] == pytest.approx(3.0, abs=0.02)
    assert trained.error < 0.5 and float(stage.moved[0]) < -0.2
    assert set(stage.shown) == {2, 3, 4}


@pytest.mark.parametrize("options", [{"steps": 0}, {"fewest_views": 1}, {"learning_rate": 0.0}])
def test_nonsense_is_refused(options):
    with pytest.raises(InputError, match="ReadingTraining"):
        ReadingTraining(**options)
