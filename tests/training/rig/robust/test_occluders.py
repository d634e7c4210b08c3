"""What covers a face counts for little, noise and a texture that is not known yet for much."""

import torch

from mien_training.rig.robust.occluders import find_occlusion

SIDE = 120
FACE = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
FACE[:, 20:100, 20:100] = True


def test_a_patch_that_differs_does_not_count_and_the_rest_does():
    difference = 0.02 * torch.rand(1, SIDE, SIDE)
    hand = torch.zeros_like(FACE)
    hand[:, 50:80, 30:70] = True
    difference[hand] += 0.4
    found = find_occlusion(difference, FACE)
    weight = found.weight
    assert weight[:, 53:77, 33:67].max() < 0.05
    assert weight[FACE & (difference < 0.02)].median() > 0.95
    assert abs(float(found.share) - 1200 / 6400) < 0.04


def test_single_pixels_and_small_parts_count():
    difference = 0.02 * torch.rand(1, SIDE, SIDE)
    difference[0, 50, 50] = 0.5
    difference[0, 70:74, 40:60] = 0.5  # lips, say
    assert find_occlusion(difference, FACE).weight[FACE].min() == 1


def test_a_face_that_is_unlike_everywhere_is_not_covered():
    found = find_occlusion(torch.full((1, SIDE, SIDE), 0.5), FACE)
    assert found.weight[FACE].min() > 0.85 and found.share == 0


def test_what_is_not_compared_does_not_matter():
    difference = 0.02 * torch.rand(1, SIDE, SIDE)
    beside = difference.clone()
    beside[~FACE] = 1.0
    same, other = (find_occlusion(d, FACE).weight[FACE] for d in (difference, beside))
    assert torch.equal(same, other)
    assert torch.isfinite(find_occlusion(difference, FACE & False).weight).all()


def test_a_small_covered_share_is_told_but_not_acted_upon():
    difference = 0.02 * torch.rand(1, SIDE, SIDE)
    difference[0, 70:82, 40:60] = 0.5
    found = find_occlusion(difference, FACE)
    assert 0.03 < float(found.share) < 0.05 and found.weight[FACE].min() == 1


def test_no_gradient_flows_through_the_weights():
    difference = torch.rand(1, SIDE, SIDE, requires_grad=True)
    assert not find_occlusion(difference, FACE).weight.requires_grad
