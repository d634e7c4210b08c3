"""Losses: zero where nothing is wrong, right where something is, blind where they must be."""

import pytest
import torch

from mien_training.rig.model.loss_terms import (
    landmark_loss,
    photometric_loss,
    range_loss,
    silhouette_loss,
)


def test_pictures_are_compared_only_where_told():
    a, b = torch.zeros(2, 8, 8, 3), torch.zeros(2, 8, 8, 3)
    b[:, 4:] = 1.0
    where = torch.zeros(2, 8, 8)
    where[:, :4] = 1
    assert photometric_loss(a, b, where) == pytest.approx(1 / 255)
    assert photometric_loss(a, b, 1 - where) == pytest.approx(3**0.5, rel=1e-4)
    assert photometric_loss(a, b, 0 * where) == 0
    assert silhouette_loss(where, 1 - where) == 1


def test_absent_points_neither_pull_nor_poison():
    seen = torch.tensor([[10.0, 10.0], [float("nan"), float("nan")]])
    guess = torch.tensor([[40.0, 50.0], [1.0, 2.0]], requires_grad=True)
    loss = landmark_loss(guess, seen, torch.tensor([1.0, 0.0]), 50.0)
    assert loss.item() == pytest.approx(1.0, abs=0.011)
    loss.backward()
    assert guess.grad is not None and guess.grad[0].norm() > 0
    assert torch.equal(guess.grad[1], torch.zeros(2))


def test_far_points_pull_no_harder_than_near_ones():
    def pull(distance: float) -> float:
        guess = torch.tensor([[distance, 0.0]], requires_grad=True)
        landmark_loss(guess, torch.zeros(1, 2), torch.ones(1), 50.0).backward()
        assert guess.grad is not None
        return float(guess.grad.norm())

    assert pull(500.0) == pytest.approx(pull(50.0), rel=1e-3)


def test_weights_have_a_range():
    assert range_loss(torch.rand(5, 10)) == 0
    outside = torch.zeros(5, 10)
    outside[0, 0], outside[1, 1] = -0.5, 1.5
    assert range_loss(outside) == pytest.approx(2 * 0.25 / 50)
