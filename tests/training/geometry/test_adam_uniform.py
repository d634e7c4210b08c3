"""The step is Adam's with one scale for the whole tensor; its state survives a round trip."""

import copy

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.geometry.adam_uniform import AdamUniform


def take_steps(optimizer, parameter, gradients):
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()


def random_gradients(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(5, 3, generator=generator, dtype=torch.float64) for _ in range(count)]


def test_three_steps_by_hand():
    gradients = random_gradients(3)
    parameter = torch.zeros(5, 3, dtype=torch.float64, requires_grad=True)
    take_steps(AdamUniform([parameter], lr=0.1, betas=(0.8, 0.9)), parameter, gradients)
    x, m, v = np.zeros((5, 3)), np.zeros((5, 3)), np.zeros((5, 3))
    for t, g in enumerate((g.numpy() for g in gradients), start=1):
        m = 0.8 * m + 0.2 * g
        v = 0.9 * v + 0.1 * g**2
        x = x - 0.1 * (m / (1 - 0.8**t)) / np.sqrt(v / (1 - 0.9**t)).max()
    assert np.allclose(parameter.detach().numpy(), x, rtol=1e-10, atol=0)


def test_all_components_move_by_the_same_scale():
    gradient = random_gradients(1)[0]
    moved, scaled = (torch.zeros(5, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    take_steps(AdamUniform([moved], lr=0.5), moved, [gradient])
    assert moved.detach().abs().max().item() == pytest.approx(0.5)
    ratio = -moved.detach() / gradient
    assert torch.allclose(ratio, ratio[0, 0].expand_as(ratio), rtol=1e-10)
    # Plain Adam does not: its first step is as long everywhere.
    take_steps(torch.optim.Adam([scaled], lr=0.5), scaled, [gradient])
    assert scaled.detach().abs().std().item() < 1e-6
    # The unit of the loss does not matter.
    again = torch.zeros(5, 3, dtype=torch.float64, requires_grad=True)
    take_steps(AdamUniform([again], lr=0.5), again, [1e4 * gradient])
    assert torch.allclose(again, moved, rtol=1e-8)


def test_parameters_have_scales_of_their_own():
    big, small = (torch.zeros(2, requires_grad=True) for _ in range(2))
    big.grad, small.grad = torch.tensor([100.0, 50.0]), torch.tensor([0.01, 0.005])
    AdamUniform([big, small], lr=1.0).step()
    assert torch.allclose(big, torch.tensor([-1.0, -0.5]))
    assert torch.allclose(small, big)


def test_state_dict_round_trip_continues_the_same_run():
    gradients = random_gradients(8)
    whole = torch.zeros(5, 3, dtype=torch.float64, requires_grad=True)
    take_steps(AdamUniform([whole], lr=0.1), whole, gradients)
    part = torch.zeros(5, 3, dtype=torch.float64, requires_grad=True)
    first = AdamUniform([part], lr=0.1)
    take_steps(first, part, gradients[:3])
    resumed = part.detach().clone().requires_grad_()
    second = AdamUniform([resumed], lr=9.0)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    take_steps(second, resumed, gradients[3:])
    assert torch.equal(resumed, whole)


def test_no_gradient_and_zero_gradient_leave_things_alone():
    idle, still = (torch.ones(3, requires_grad=True) for _ in range(2))
    still.grad = torch.zeros(3)
    optimizer = AdamUniform([idle, still])
    assert optimizer.step(lambda: 7.0) == 7.0
    assert torch.equal(idle, torch.ones(3)) and torch.equal(still, torch.ones(3))


def test_parameters_without_entries_are_left_alone():
    empty = torch.zeros(0, requires_grad=True)
    other = torch.zeros(2, requires_grad=True)
    (empty.sum() + other.sum()).backward()
    AdamUniform([empty, other], lr=1.0).step()
    assert not torch.equal(other, torch.zeros(2)) and empty.shape == (0,)


def test_a_schedule_may_change_lr():
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = AdamUniform([parameter], lr=1.0)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(2):
        parameter.grad = torch.ones(1)
        optimizer.step()
        schedule.step()
    assert parameter.item() == pytest.approx(-1.5, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"lr": -1.0}, "lr"), ({"betas": (1.0, 0.9)}, "betas"), ({"eps": 0.0}, "eps")],
)
def test_bad_options_are_named(options, complaint):
    with pytest.raises(InputError, match=complaint):
        AdamUniform([torch.zeros(1, requires_grad=True)], **options)


def test_sparse_gradients_are_refused():
    table = torch.nn.Embedding(4, 2, sparse=True)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(InputError, match="sparse"):
        AdamUniform(table.parameters()).step()
