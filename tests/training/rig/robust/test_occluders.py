"""What covers a face counts for little, noise and a texture that is not known yet for much."""

import torch

from mien_training.rig.robust.occluders import covered_share, uncovered

SIDE = 120
FACE = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
FACE[:, 20:100, 20:100] = True


def test_a_patch_that_differs_does_not_count_and_the_rest_does():
    difference = 0.02 * torch.rand(1, SIDE, SIDE)
    hand = torch.zeros_like(FACE)
    hand[:, 50:80, 30:70] = True
    difference[hand] += 0.4
    weight = uncovered(difference, FACE)
    assert weight[:, 53:77, 33:67].max() < 0.05
    assert weight[FACE & (difference < 0.02)].median() > 0.95
    assert abs(float(covered_share(weight, FACE)) - 1200 / 6400) < 0.04


def test_single_pixels_and_small_parts_count():
    difference = 0.02 * torch.rand(1, SIDE, SIDE)
    difference[0, 50, 50] = 0.5
    difference[0, 70:74, 40:60] = 0.5  # lips, say
    assert uncovered(difference, FACE)[FACE].min() == 1


def test_a_face_that_is_unlike_everywhere_is_not_covered():
    weight = uncovered(torch.full((1, SIDE, SIDE), 0.5), FACE)
    assert weight[FACE].min() > 0.85 and covered_share(weight, FACE) == 0


def test_what_is_not_compared_does_not_matter():
    difference = 0.02 * torch.rand(1, SIDE, SIDE)
    beside = difference.clone()
    beside[~FACE] = 1.0
    assert torch.equal(uncovered(difference, FACE)[FACE], uncovered(beside, FACE)[FACE])
    assert torch.isfinite(uncovered(difference, FACE & False)).all()


def test_no_gradient_flows_through_the_weights():
    difference = torch.rand(1, SIDE, SIDE, requires_grad=True)
    assert not uncovered(difference, FACE).requires_grad
