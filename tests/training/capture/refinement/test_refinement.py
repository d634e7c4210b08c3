"""Refinement: what views show and how pictures moved the first mesh count, and it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.capture.learning.train_on_readings import ReadingTraining, train_on_readings
from mien_training.capture.refinement.refinement import Refinement, RefinementConfig
from mien_training.capture.refinement.refinement_loss import RefinementLoss

SMALL = RefinementConfig(layers=3, spacings_m=(0.002,), width=16)


def test_order_of_views_changes_nothing(reading, anny):
    torch.manual_seed(0)
    refinement = Refinement(anny, 2, SMALL)
    torch.nn.init.normal_(refinement.passes[0].last.weight, std=0.1)
    one, two = (refinement(reading, np.array(v))[-1] for v in ([0, 1, 2, 3], [3, 1, 0, 2]))
    torch.testing.assert_close(one[0], two[0], atol=1e-6, rtol=0)


def test_it_learns_what_a_moment_shows(reading, anny, tmp_path):
    torch.manual_seed(0)
    refinement = Refinement(anny, 2, SMALL)
    paths = [tmp_path / "one.npz"]
    reading.write(paths[0])
    config = ReadingTraining(steps=25, batch=1, fewest_views=4)
    loss = RefinementLoss.of(anny, refinement.chosen.numpy())
    trained = train_on_readings(refinement, loss, config, paths, paths)
    last = trained.history[-1]
    assert trained.error < 0.9 * last["after 0 passes"]
    assert trained.error == last["error"] == last["after 1 passes"]


def test_two_passes_start_from_each_other(reading, anny):
    torch.manual_seed(0)
    refinement = Refinement(
        anny, 2, RefinementConfig(layers=3, spacings_m=(0.002, 0.001), width=16)
    )
    first, second = refinement(reading)
    assert first[0].shape == second[0].shape == (len(refinement.chosen), 3)
    assert not torch.equal(first[0], second[0]) and (second[1] > 0).all()


def test_how_far_pictures_moved_the_mesh_is_told(reading, anny):
    torch.manual_seed(0)
    refinement = Refinement(anny, 2, SMALL)
    torch.nn.init.normal_(refinement.passes[0].last.weight, std=0.1)
    before = refinement(reading)[-1][0]
    for other in (
        replace(reading, fitted=reading.start + np.float32(0.001)),
        replace(reading, kept=np.ones_like(reading.kept)),
    ):
        assert not torch.equal(refinement(other)[-1][0], before)


@pytest.mark.parametrize("options", [{"layers": 4}, {"spacings_m": ()}, {"width": 0}])
def test_nonsense_is_refused(options):
    with pytest.raises(InputError, match="RefinementConfig"):
        RefinementConfig(**options)
