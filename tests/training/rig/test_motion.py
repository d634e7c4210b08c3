"""Motion in continuous time: smooth, exact where told, and able to set clocks."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.rig.motion import Clocks, Motion, MotionNetwork, rotation_from_vector


def truth(times: torch.Tensor) -> Motion:
    phase = times[:, None] * torch.tensor([2.1, 5.3, 9.0])
    return Motion(
        0.5 + 0.45 * phase.sin(), 0.3 * phase.cos(), torch.tensor([0.0, 0.1, 0.5]) + 0.02 * phase
    )


def test_a_fresh_face_is_neutral_and_still():
    motion = MotionNetwork(0.0, 2.0, 52)(torch.linspace(0, 2, 9))
    assert motion.weights.shape == (9, 52) and motion.weights.max() < 0.02
    assert not motion.rotation.any() and not motion.translation.any()


def test_rotations_are_scipys_and_smooth_at_zero():
    vectors = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = Rotation.from_rotvec(vectors.numpy()).as_matrix()
    np.testing.assert_allclose(rotation_from_vector(vectors), expected, atol=1e-12)
    vector = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rotation_from_vector, vector)


def test_it_follows_and_interpolates():
    torch.manual_seed(0)
    network = MotionNetwork(0.0, 3.0, 3)
    known = torch.arange(0, 3, 1 / 25)
    assert network.follow(known, truth(known)) < 4e-3
    between = known[10:-10] + 0.5 / 25
    guess, true = network(between), truth(between)
    assert (guess.weights - true.weights).abs().max() < 0.1
    assert (guess.rotation - true.rotation).abs().max() < 0.03


@pytest.mark.parametrize("learn", [True, False])
def test_clocks_are_set_by_what_the_cameras_see(learn):
    """Two cameras see one motion 0.37 frames apart; a frozen clock cannot explain both."""
    torch.manual_seed(0)
    rate, offset = 25.0, 0.37 / 25.0
    times = torch.arange(0, 3, 1 / rate)
    seen = [truth(times), truth(times + offset)]
    network, clocks = MotionNetwork(-0.1, 3.1, 3), Clocks(2, learn)
    network.follow(times, seen[0])
    optimiser = torch.optim.Adam(
        [{"params": network.parameters(), "lr": 1e-3}, {"params": clocks.parameters(), "lr": 5e-4}]
    )
    error = torch.zeros(())
    for _ in range(200):
        error = torch.zeros(())
        for camera, target in enumerate(seen):
            guess = network(clocks(torch.full((len(times),), camera), times))
            error = error + (guess.weights - target.weights).square().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    found = clocks.offsets_s.detach() * rate
    assert found[0] == 0
    if learn:
        assert abs(float(found[1]) - 0.37) < 0.05 and error < 1.5e-4
    else:
        assert found[1] == 0 and error > 3e-4


def test_bad_calls_are_refused():
    with pytest.raises(InputError, match="duration"):
        MotionNetwork(1.0, 1.0, 3)
    with pytest.raises(InputError, match="1 or more"):
        Clocks(0)
