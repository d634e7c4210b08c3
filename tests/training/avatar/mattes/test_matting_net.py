"""The loss is least for the truth and for honest doubt; doubt excuses nothing."""

import torch

from mien_training.avatar.mattes.matting_net import MattingNet, matting_loss
from mien_training.avatar.mattes.mesh_hints import HINTS


def case():
    torch.manual_seed(0)
    alpha = torch.rand(2, 16, 16)
    return alpha, torch.ones_like(alpha)


def loss(error, doubt):
    alpha, band = case()
    answer = alpha + error * torch.where(torch.rand(alpha.shape) < 0.5, 1.0, -1.0)
    return float(matting_loss(torch.stack([answer, torch.full_like(alpha, doubt)], 1), alpha, band))


def test_it_grows_with_the_error():
    values = [loss(error, 0.1) for error in (0.0, 0.05, 0.1, 0.3)]
    assert values == sorted(values) and values[0] < values[-1] - 0.5


def test_honest_doubt_costs_least():
    for error in (0.05, 0.2):
        honest = loss(error, error)
        assert honest < loss(error, 0.5 * error) and honest < loss(error, 2 * error)


def test_doubt_excuses_nothing():
    """The answer's gradient is the same whatever is doubted."""
    alpha, band = case()
    gradients = []
    for doubt in (0.02, 0.9):
        answer = (alpha + 0.1).requires_grad_()
        matting_loss(
            torch.stack([answer, torch.full_like(alpha, doubt)], 1), alpha, band
        ).backward()
        gradients.append(answer.grad)
    torch.testing.assert_close(*gradients)


def test_the_band_counts_more():
    alpha, band = case()
    doubt = torch.full_like(alpha, 0.1)
    costs = []
    for where in (band, 0 * band):
        right, wrong = (
            matting_loss(torch.stack([alpha + off, doubt], 1), alpha, where) for off in (0, 0.1)
        )
        costs.append(wrong - right)
    assert costs[0] > 1.5 * costs[1]


def test_answers_are_shares():
    found = MattingNet((8, 16))(5 * torch.randn(1, HINTS, 8, 12))
    assert found.shape == (1, 2, 8, 12) and 0 <= found.min() and found.max() <= 1
