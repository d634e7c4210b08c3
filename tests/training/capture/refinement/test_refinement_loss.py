"""The loss is least at the truth; parted lips cost more than lips that are off together."""

import numpy as np
import pytest
import torch

from mien_training.capture.refinement.mesh_levels import skin_vertices
from mien_training.capture.refinement.refinement_loss import RefinementLoss, gap_pairs


@pytest.fixture(scope="module")
def chosen(anny):
    return skin_vertices(anny)


@pytest.fixture(scope="module")
def loss(anny, chosen):
    return RefinementLoss.of(anny, chosen)


@pytest.fixture(scope="module")
def truth(anny, chosen):
    return torch.from_numpy(anny.vertices[chosen])


def spread(truth, metres=0.001):
    return torch.full((len(truth),), metres)


def test_the_truth_costs_least(loss, truth):
    def cost(metres):
        return float(loss(truth + torch.tensor([metres, 0, 0]), truth, spread(truth)))

    assert cost(0.0) < cost(0.0005) < cost(0.002)
    assert float(loss.weight.mean()) == pytest.approx(1, abs=1e-5)


def test_pairs_are_upper_and_lower_and_meet_when_closed(anny):
    pairs = gap_pairs(anny)
    assert len(pairs) > 100 and (pairs[:, 0] != pairs[:, 1]).all()
    blink = sum(
        anny.shape_deltas[anny.shape_names.index(n)] for n in ("eyeBlinkLeft", "eyeBlinkRight")
    )
    closed = anny.vertices + blink
    lids = pairs[anny.regions["lids"][pairs].all(1)]
    assert len(lids) > 50
    apart = [np.linalg.norm(v[lids[:, 0]] - v[lids[:, 1]], axis=1) for v in (anny.vertices, closed)]
    assert np.median(apart[1]) < 0.5 * np.median(apart[0])


def test_parting_lips_costs_more_than_moving_them_together(loss, truth):
    upper, lower = loss.gaps.unique(dim=0).unbind(1)
    together, parted = truth.clone(), truth.clone()
    together[torch.cat([upper, lower]).unique(), 1] += 0.001
    parted[upper.unique(), 1] += 0.001
    parted[lower.unique(), 1] -= 0.001
    found = [float(loss(m, truth, spread(truth))) for m in (together, parted)]
    assert found[1] > found[0]


def test_the_right_doubt_is_the_best(loss, truth):
    off = truth + torch.tensor([0.002, 0, 0])
    right = float(loss(off, truth, spread(truth, 0.002)))
    assert right < float(loss(off, truth, spread(truth, 0.001)))
    assert right < float(loss(off, truth, spread(truth, 0.004)))


def test_doubt_excuses_no_error(loss, truth):
    doubt = spread(truth, 0.05).requires_grad_()
    off = (truth + 0.01).requires_grad_()
    loss(off, truth, doubt).backward()
    strong = off.grad.clone()
    off.grad = None
    loss(off, truth, spread(truth, 1e-4)).backward()
    torch.testing.assert_close(strong, off.grad)
