"""Motion in continuous time: smooth, exact where told, and able to set time_offsets."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.rig.model.motion import (
    Motion,
    MotionSpline,
    TimeOffsets,
    left_jacobian,
    rotation_from_vector,
)


def truth(times: torch.Tensor) -> Motion:
    phase = times[:, None] * torch.tensor([2.1, 5.3, 9.0])
    return Motion(
        0.5 + 0.45 * phase.sin(), 0.3 * phase.cos(), torch.tensor([0.0, 0.1, 0.5]) + 0.02 * phase
    )


def test_a_fresh_face_is_neutral_and_still():
    motion = MotionSpline.uniform(0.0, 2.0, 52, 15)(torch.linspace(-1, 3, 9))
    assert motion.weights.shape == (9, 52)
    assert not any(part.any() for part in (motion.weights, motion.rotation, motion.translation))


def test_constants_and_straight_lines_are_reproduced():
    spline = MotionSpline.uniform(1.0, 3.0, 2, 10)
    known = torch.linspace(1, 3, 50)
    line = torch.stack([0.3 + 0 * known, 0.2 * known], 1)
    spline.fit_samples(known, Motion(line, torch.zeros(50, 3), torch.zeros(50, 3)), stiffness=1e-9)
    at = torch.rand(30) * 2 + 1
    expected = torch.stack([0.3 + 0 * at, 0.2 * at], 1)
    torch.testing.assert_close(spline(at).weights, expected, atol=1e-4, rtol=0)


def test_a_control_value_acts_on_four_cells_only():
    spline = MotionSpline.uniform(0.0, 2.0, 1, 10)
    with torch.no_grad():
        spline.weights[8] = 1.0  # centred on knot 7
    times = torch.linspace(0, 2, 401)
    moved = times[spline(times).weights[:, 0] > 0]
    assert 0.5 < moved.min() < 0.51 and 0.89 < moved.max() < 0.9


def test_slopes_in_time_are_those_of_the_motion():
    spline = MotionSpline.uniform(0.0, 2.0, 3, 10).double()
    with torch.no_grad():
        spline.weights.copy_(torch.rand(spline.weights.shape))
    times = torch.tensor([0.31, 0.7, 1.55], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: spline(t).weights, times)


def test_rotations_are_scipys_and_smooth_at_zero():
    vectors = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = Rotation.from_rotvec(vectors.numpy()).as_matrix()
    np.testing.assert_allclose(rotation_from_vector(vectors), expected, atol=1e-12)
    vector = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rotation_from_vector, vector)


def test_it_follows_and_interpolates():
    spline = MotionSpline.uniform(0.0, 3.0, 3, 15)
    known = torch.arange(0, 3, 1 / 25)
    spline.fit_samples(known, truth(known))
    between = known[10:-10] + 0.5 / 25
    guess, true = spline(between), truth(between)
    assert (guess.weights - true.weights).abs().max() < 0.01
    assert (guess.rotation - true.rotation).abs().max() < 0.01


@pytest.mark.parametrize("times", [[1.3], [0.7, 0.7, 0.7], [0.0], [2.0]])
@pytest.mark.parametrize("knot_rate_hz", [1, 15, 60])
def test_one_moment_gives_a_constant_by_well_posed_equations(times, knot_rate_hz):
    spline = MotionSpline.uniform(0.0, 2.0, 2, knot_rate_hz)
    known = torch.tensor(times)
    normal, _ = spline.normal_matrix(known, 1e-3)
    assert torch.linalg.cond(normal) < 1e10  # 1e17 without anything against slopes
    weights = torch.tensor([[0.3, 0.8]]).expand(len(times), 2)
    pose = torch.tensor([[0.1, -0.2, 0.4]]).expand(len(times), 3)
    spline.fit_samples(known, Motion(weights, pose, 2 * pose))
    at = torch.linspace(0, 2, 17)
    found = spline(at)
    torch.testing.assert_close(found.weights, weights[:1].expand(17, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.rotation, pose[:1].expand(17, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.translation, 2 * pose[:1].expand(17, 3), atol=1e-5, rtol=0)


def test_no_moment_is_refused():
    none = torch.zeros(0, 3)
    with pytest.raises(InputError, match="no moments"):
        MotionSpline.uniform(0.0, 2.0, 3, 15).fit_samples(torch.zeros(0), Motion(none, none, none))


def test_velocity_is_the_slope_in_time():
    spline = MotionSpline.uniform(0.0, 2.0, 3, 10).double()
    with torch.no_grad():
        for part in spline.parameters():
            part.copy_(torch.rand(part.shape))
    times = torch.tensor([0.2, 0.77, 1.4], dtype=torch.float64)
    later, sooner = spline(times + 1e-6), spline(times - 1e-6)
    expected = torch.cat(
        [
            (getattr(later, name) - getattr(sooner, name)) / 2e-6
            for name in ("weights", "rotation", "translation")
        ],
        1,
    )
    torch.testing.assert_close(spline.velocity(times), expected.detach(), atol=1e-6, rtol=0)


def test_control_values_are_taken_as_given():
    spline, other = MotionSpline.uniform(0.0, 1.0, 3, 10), MotionSpline.uniform(0.0, 1.0, 3, 10)
    with torch.no_grad():
        spline.weights.copy_(torch.rand(spline.weights.shape))
        spline.translation.fill_(0.2)
    other.take(spline.controls())
    assert torch.equal(other.controls(), spline.controls()) and other.controls().shape[1] == 9


def test_the_first_clock_is_right_and_others_turn():
    time_offsets = TimeOffsets(3)
    time_offsets.shift(torch.tensor([0.01, -0.02]))
    time_offsets.shift(torch.tensor([0.01, 0.0]))
    torch.testing.assert_close(time_offsets.offsets_s, torch.tensor([0.0, 0.02, -0.02]))
    times = time_offsets(torch.tensor([0, 1, 2]), torch.ones(3))
    torch.testing.assert_close(times, torch.tensor([1.0, 1.02, 0.98]))


def test_bad_calls_are_refused():
    with pytest.raises(InputError, match="duration"):
        MotionSpline.uniform(1.0, 1.0, 3, 15)
    with pytest.raises(InputError, match="1 or more"):
        TimeOffsets(0)


def test_a_move_turns_and_shifts_the_head_about_its_own_axes():
    spline = MotionSpline.uniform(0.0, 2.0, 2, 10).double()
    pose = torch.tensor([0.4, -0.7, 0.2], dtype=torch.float64)
    with torch.no_grad():
        spline.rotation[:] = pose
        spline.translation[:] = torch.tensor([0.1, 0.2, 0.5])
    turn, shift = torch.tensor([2e-3, 1e-3, -3e-3]).double(), torch.tensor([0.01, 0, 0.02]).double()
    knots = torch.tensor([3.0, 4.0, 9.0], dtype=torch.float64)
    spline.move(knots, torch.cat([turn, shift]).expand(3, -1))
    with torch.no_grad():
        moved = spline(torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64))
    before = Rotation.from_rotvec(pose.numpy())
    expected = (before * Rotation.from_rotvec(turn.numpy())).as_rotvec()
    np.testing.assert_allclose(moved.rotation, [expected] * 3, atol=1e-5)
    there = before.apply(shift.numpy()) + [0.1, 0.2, 0.5]
    np.testing.assert_allclose(moved.translation, [there] * 3)
    assert not moved.weights.any()


def test_between_the_knots_that_moved_a_move_is_shared():
    spline = MotionSpline.uniform(0.0, 2.0, 1, 10)
    change = torch.zeros(2, 6)
    change[1, 3] = 0.8
    spline.move(torch.tensor([4.0, 8.0]), change)
    shifts = spline.translation[:, 0].detach()
    np.testing.assert_allclose(shifts[5:10], [0, 0.2, 0.4, 0.6, 0.8], atol=1e-6)
    assert not shifts[:5].any() and (shifts[10:] == 0.8).all()
    spline.move(torch.zeros(0), torch.zeros(0, 6))
    assert torch.equal(spline.translation[:, 0], shifts)


@pytest.mark.parametrize("size", [0.0, 1e-5, 0.3, 2.5])
def test_turns_of_the_world_are_those_of_the_rotation_vector(size):
    vector = size * torch.tensor([0.6, 0.0, -0.8], dtype=torch.float64)
    small = 1e-6 * torch.tensor([0.3, 1.0, 0.5], dtype=torch.float64)
    turned, before = (Rotation.from_rotvec(v.numpy()) for v in (vector + small, vector))
    turn = (turned * before.inv()).as_rotvec()
    np.testing.assert_allclose(left_jacobian(vector) @ small, turn, atol=1e-11)
