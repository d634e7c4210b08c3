"""What has faded becomes a half of what the pictures pull at; together halves show what one did."""

import pytest
import torch

from mien_training.avatar.anchors import HairLayers
from mien_training.avatar.splats.relocation import relocate
from mien_training.avatar.splats.splat_head import SplatHead


@pytest.fixture
def head(ball_atlas):
    return SplatHead(ball_atlas, 64, None, 0)


@pytest.fixture
def optimiser(head):
    """After a step in which the pictures pulled more at each Gaussian than at the one before; at
    the first ten not at all."""
    found = torch.optim.Adam(head.parameters(), lr=1e-9)
    pull = torch.arange(len(head.anchor)).float().sub(9).clamp_min(0)[:, None]
    (head.place * pull).sum().add(sum(p.sum() for p in head.parameters()) * 0).backward()
    found.step()
    return found


def fade(head, *which):
    with torch.no_grad():
        head.opacity[list(which)] = -5.0


def test_the_faded_hang_where_the_pictures_pull_most(head, optimiser):
    fade(head, 20, 30)
    last = len(head.anchor) - 1
    assert relocate(head, optimiser, 100) == 2
    assert head.anchor[[20, 30]].sort().values.tolist() == [last - 1, last]
    assert (torch.sigmoid(head.opacity[[20, 30]]) > 0.3).all()


def test_halves_lie_around_their_middle_and_cover_as_much(head, optimiser):
    last = len(head.anchor) - 1
    with torch.no_grad():
        head.turn[last] = torch.tensor([0.3, -0.2, 0.5])
        head.size_log[last] = torch.tensor([0.1, 0.9, -0.5])
    before = {n: p[last].detach().clone() for n, p in head.named_parameters()}
    fade(head, 20)
    relocate(head, optimiser, 100)
    torch.testing.assert_close(0.5 * (head.place[20] + head.place[last]), before["place"])
    half, alpha = (torch.sigmoid(o) for o in (head.opacity[20], before["opacity"]))
    torch.testing.assert_close(1 - (1 - half) ** 2, alpha)
    narrower = head.size_log[last] - before["size_log"]
    assert narrower[1] < -0.2
    assert narrower[[0, 2]].tolist() == [0, 0]
    for name in ("turn", "colour", "size_log"):
        torch.testing.assert_close(getattr(head, name)[20], getattr(head, name)[last])
    # Along the widest axis: the distance of the halves is 1.2 widths of what they come of.
    apart = (head.place[20] - head.place[last]).norm()
    torch.testing.assert_close(apart, 1.2 * before["size_log"][1].exp())


def test_their_steps_go_on_from_the_same_moments(head, optimiser):
    fade(head, 20)
    relocate(head, optimiser, 100)
    for parameter in head.parameters():
        for moments in (optimiser.state[parameter][n] for n in ("exp_avg", "exp_avg_sq")):
            assert torch.equal(moments[20], moments[len(head.anchor) - 1])


def test_what_no_frame_has_shown_stays(head, optimiser):
    fade(head, 3)
    before = {n: t.clone() for n, t in head.state_dict().items()}
    assert relocate(head, optimiser, 100) == 0
    for name, value in head.state_dict().items():
        assert torch.equal(value, before[name])


def test_no_more_move_than_may_and_the_faintest_first(head, optimiser):
    fade(head, 20, 30, 40)
    with torch.no_grad():
        head.opacity[30] = -9.0
    assert relocate(head, optimiser, 1) == 1
    assert head.anchor[30] == head.anchor[-1]
    assert head.anchor[20] == 20


def test_before_the_first_step_nothing_moves(head):
    fade(head, 20)
    assert relocate(head, torch.optim.Adam(head.parameters()), 100) == 0


def test_hair_moves_to_layers_above_the_scalp(anny_atlas):
    head = SplatHead(anny_atlas, 64, HairLayers.of(anny_atlas, 64), 0)
    optimiser = torch.optim.Adam(head.parameters(), lr=1e-9)
    (head.place * torch.arange(len(head.anchor)).float()[:, None]).sum().backward()
    for parameter in head.parameters():
        parameter.grad = torch.ones_like(parameter) if parameter.grad is None else parameter.grad
    optimiser.step()
    fade(head, 20)
    relocate(head, optimiser, 100)
    assert head.lift_m[20] == head.lift_m[-1] > 0
