"""The coarse stage starts at its prior, takes views in any order, and learns; so does the pooled
baseline."""

import numpy as np
import pytest
import torch
from support.readings import perfect_reading

from mien.errors import InputError
from mien_training.capture.coarse.coarse_loss import coarse_loss
from mien_training.capture.coarse.coarse_stage import CoarseConfig, CoarseStage, PooledStage
from mien_training.capture.coarse.volume_grid import VolumeGrid
from mien_training.capture.learning.train_on_readings import ReadingTraining, train_on_readings
from mien_training.capture.morphable import LinearHeads

SMALL = CoarseConfig(grid=VolumeGrid(resolution=12, spacing_m=0.027), controls=24, widths=(8, 16))


@pytest.fixture(scope="module")
def reading(seen_head, anny):
    return perfect_reading(anny, seen_head, anny.vertices)


def stages(anny):
    torch.manual_seed(0)
    heads = LinearHeads(anny.vertices, anny.shape_deltas[:4], np.full(4, 0.3))
    return CoarseStage(anny, 2, SMALL), PooledStage(anny, 2, SMALL, heads)


def test_untrained_stages_are_at_the_mean_head(reading, anny):
    for stage in stages(anny):
        (places, spread) = stage(reading)[-1]
        mean = torch.from_numpy(anny.vertices)[stage.chosen]
        assert float((places - mean).norm(dim=1).max()) < 0.012
        assert (spread > 0).all() and places.shape == (24, 3)


def test_order_of_views_changes_nothing(reading, anny):
    for stage in stages(anny):
        for part in stage.last.parameters():
            torch.nn.init.normal_(part, std=0.1)
        one, two = (stage(reading, np.array(v))[-1][0] for v in ([0, 1, 2, 3], [2, 3, 1, 0]))
        torch.testing.assert_close(one, two, atol=1e-5, rtol=0)


def test_both_learn_what_a_moment_shows(reading, anny, tmp_path):
    path = tmp_path / "one.npz"
    reading.write(path)
    config = ReadingTraining(steps=40, batch=1, fewest_views=4, learning_rate=1e-2)
    for stage in stages(anny):
        trained = train_on_readings(stage, coarse_loss, config, [path], [path])
        assert trained.error < 0.7 * trained.history[-1]["after 0 passes"]


def test_the_loss_is_least_at_the_truth():
    true = torch.zeros(5, 3)
    doubt = torch.full((5,), 0.002)
    costs = [float(coarse_loss(true + off, true, doubt)) for off in (0.0, 0.001, 0.01)]
    assert costs[0] < costs[1] < costs[2]


@pytest.mark.parametrize(
    "options", [{"controls": 3}, {"widths": (12,)}, {"widths": (8, 8, 8, 8, 8, 8)}]
)
def test_nonsense_is_refused(options):
    with pytest.raises(InputError, match="CoarseConfig"):
        CoarseConfig(**options)
