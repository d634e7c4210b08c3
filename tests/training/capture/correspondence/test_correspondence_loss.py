"""The loss is least at the truth, told as surely as it is; covered places count less."""

from dataclasses import replace

import pytest
import torch

from mien_training.capture.correspondence.correspondence_loss import (
    MapLabels,
    correspondence_loss,
    map_errors,
)
from mien_training.capture.correspondence.correspondence_net import ViewMaps


def true_and_found(off_m=0.0, deviation_m=0.003):
    rng = torch.Generator().manual_seed(0)
    canonical = torch.rand(2, 8, 8, 3, generator=rng)
    normals = torch.nn.functional.normalize(torch.randn(2, 8, 8, 3, generator=rng), dim=-1)
    skin = torch.rand(2, 8, 8, generator=rng) > 0.4
    true = MapLabels(skin, torch.ones_like(skin), skin, canonical, normals)
    way = torch.tensor([1.0, 0.0, 0.0])
    found = ViewMaps(
        torch.where(skin, 8.0, -8.0), canonical + off_m * way,
        torch.full((2, 8, 8), deviation_m), normals,
    )  # fmt: skip
    return true, found


def test_farther_costs_more_and_the_truth_least():
    costs = [float(correspondence_loss(f, t)) for t, f in map(true_and_found, (0.0, 0.001, 0.01))]
    assert costs[0] < costs[1] < costs[2]


@pytest.mark.parametrize("off_m", [0.001, 0.01])
def test_the_deviation_that_is_true_is_the_best_one(off_m):
    def cost(deviation_m):
        true, found = true_and_found(off_m, deviation_m)
        return float(correspondence_loss(found, true))

    assert cost(off_m) < min(cost(0.5 * off_m), cost(2 * off_m))


def test_covered_places_count_less_and_what_is_no_head_not_at_all():
    true, found = true_and_found()
    wrong = replace(found, canonical=found.canonical + 0.02 * (~true.bare)[..., None])
    right = float(correspondence_loss(found, true))
    covered = float(correspondence_loss(wrong, true)) - right
    bare = float(correspondence_loss(wrong, replace(true, bare=~true.bare))) - right
    assert 0 < covered < bare
    elsewhere = replace(true, there=true.bare)
    assert float(correspondence_loss(wrong, elsewhere)) == pytest.approx(
        float(correspondence_loss(found, elsewhere)), abs=1e-5
    )


def test_figures_are_in_their_units():
    true, found = true_and_found(0.004)
    figures = map_errors(found, true)
    assert figures["median_mm"] == pytest.approx(4.0, rel=1e-3)
    assert figures["doubt_mm"] == pytest.approx(3.0, rel=1e-3)
    assert figures["iou"] == 1.0 and figures["normal_deg"] < 0.1
