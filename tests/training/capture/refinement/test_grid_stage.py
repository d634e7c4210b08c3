"""Volumes about vertices: untrained they stay, views have no order, and they learn."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.capture.coarse.coarse_loss import coarse_loss
from mien_training.capture.learning.train_on_readings import ReadingTraining, train_on_readings
from mien_training.capture.refinement.grid_stage import GridConfig, GridStage

SMALL = GridConfig(resolution=4, spacings_m=(0.003, 0.0015), controls=30, width=8)


@pytest.fixture
def stage(anny):
    torch.manual_seed(0)
    return GridStage(anny, 2, SMALL)


def test_untrained_it_leaves_the_mesh(stage, reading):
    start = torch.from_numpy(reading.start)[stage.chosen]
    for places, spread in stage(reading):
        torch.testing.assert_close(places, start, atol=1e-6, rtol=0)
        assert (spread > 0).all()


def test_order_of_views_changes_nothing(stage, reading):
    for net in stage.passes:
        torch.nn.init.normal_(net.last.weight, std=0.5)
    one, two = (stage(reading, np.array(v))[-1][0] for v in ([0, 1, 2, 3], [3, 1, 0, 2]))
    torch.testing.assert_close(one, two, atol=1e-6, rtol=0)


def test_vertices_do_not_see_each_other_s_volumes(stage):
    volumes = torch.randn(5, 2 * 11 + 1, 4, 4, 4)
    net = stage.passes[0]
    torch.nn.init.normal_(net.last.weight, std=0.5)
    together = net(volumes)[0]
    torch.testing.assert_close(together[2:3], net(volumes[2:3])[0], atol=1e-6, rtol=1e-4)
    # A place is a mean over the volume: it cannot leave it.
    assert float(together.detach().abs().max()) <= 1.5 * 0.003


def test_it_learns_what_a_moment_shows(stage, reading, tmp_path):
    path = tmp_path / "one.npz"
    reading.write(path)
    config = ReadingTraining(steps=40, batch=1, fewest_views=4, learning_rate=1e-2)
    trained = train_on_readings(stage, coarse_loss, config, [path], [path])
    assert trained.error < 0.8 * trained.history[-1]["after 0 passes"]


@pytest.mark.parametrize(
    "options", [{"resolution": 5}, {"spacings_m": ()}, {"controls": 3}, {"width": 0}]
)
def test_nonsense_is_refused(options):
    with pytest.raises(InputError, match="GridConfig"):
        GridConfig(**options)
