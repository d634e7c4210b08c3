"""Samples fill their ray evenly, or where the weights are."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien_training.avatar.volume.ray_samples import even_samples, weighted_samples  # noqa: E402


def test_even_samples_lie_in_their_own_part():
    near, far = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 6.0])
    middles = even_samples(near, far, torch.full((2, 4), 0.5))
    torch.testing.assert_close(middles[1], torch.tensor([2.5, 3.5, 4.5, 5.5]))
    noisy = even_samples(near, far, torch.rand(2, 4))
    assert (noisy.diff(dim=1) > 0).all() and ((noisy - middles).abs() <= 0.5).all()


def test_weighted_samples_follow_the_weights():
    lengths = torch.tensor([[1.0, 1.0, 2.0, 1.0]])
    weights = torch.tensor([[0.0, 0.75, 0.0, 0.25]])
    t = weighted_samples(torch.tensor([10.0]), lengths, weights, torch.full((1, 400), 0.5), 0.0)
    assert (t.diff(dim=1) >= 0).all()
    within = lambda a, b: float(((t > a) & (t < b)).float().mean())  # noqa: E731
    assert within(11, 12) == pytest.approx(0.75, abs=0.01)
    assert within(14, 15) == pytest.approx(0.25, abs=0.01)
    inside = t[(t > 11) & (t < 12)]
    assert float(inside.mean()) == pytest.approx(11.5, abs=0.01)


def test_without_weights_they_are_even():
    lengths = torch.tensor([[0.5, 2.0, 1.5]])
    t = weighted_samples(torch.zeros(1), lengths, torch.zeros(1, 3), torch.full((1, 8), 0.5))
    torch.testing.assert_close(t[0], (torch.arange(8) + 0.5) / 2, atol=1e-4, rtol=0)


def test_no_gradient_goes_into_the_places():
    weights = torch.rand(3, 4, requires_grad=True)
    t = weighted_samples(torch.zeros(3), torch.ones(3, 4), weights, torch.rand(3, 5))
    assert not t.requires_grad
