"""Nothing at first; then one rigid motion for all Gaussians of a frame, which gradients find."""

import pytest
import torch

from mien.rotation import matrix_from_quaternion
from mien_training.avatar.splats.frame_correction import FrameCorrection
from mien_training.avatar.splats.splat_head import Cloud, quaternion_product

CENTRE = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)


@pytest.fixture
def cloud():
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(2, 50, *shape, generator=generator, dtype=torch.float64)

    return Cloud(
        drawn(3), torch.nn.functional.normalize(drawn(4), dim=-1), drawn(3).exp(),
        drawn().sigmoid(), drawn(3).sigmoid(),
    )  # fmt: skip


@pytest.fixture
def correction():
    return FrameCorrection(5, CENTRE).double()


def test_it_changes_nothing_at_first(cloud, correction):
    found = correction(cloud, torch.tensor([1, 3]))
    for name, value in vars(cloud).items():
        torch.testing.assert_close(getattr(found, name), value, rtol=0, atol=1e-7)
    assert correction.size(torch.tensor([1, 3])) == 0


def test_it_is_a_rigid_motion_of_each_frame(cloud, correction):
    with torch.no_grad():
        correction.motion.normal_(0, 30)
    found = correction(cloud, torch.tensor([1, 3]))
    for n, frame in enumerate((1, 3)):
        turn = 0.005 * correction.motion[frame, :3].detach()
        q = torch.nn.functional.normalize(torch.cat([turn, torch.ones(1)]), dim=0)
        matrix = torch.from_numpy(matrix_from_quaternion(q.numpy()))
        move = CENTRE.float().double() + 0.001 * correction.motion[frame, 3:]
        wanted = (cloud.means[n] - CENTRE.float()) @ matrix.T + move
        torch.testing.assert_close(found.means[n], wanted)
        torch.testing.assert_close(found.rotations[n], quaternion_product(q, cloud.rotations[n]))
    for name in ("scales", "opacities", "colours"):
        assert getattr(found, name) is getattr(cloud, name)


def test_a_turn_of_one_is_a_hundredth_of_a_radian(cloud, correction):
    with torch.no_grad():
        correction.motion[0, 1] = 1.0
    apart = correction(cloud, torch.tensor([0, 0])).means - cloud.means
    around = torch.linalg.cross(
        torch.tensor([0, 0.01, 0], dtype=torch.float64).expand_as(apart),
        cloud.means - CENTRE.float(),
    )
    torch.testing.assert_close(apart, around, rtol=0, atol=5e-4)


def test_gradients_find_the_motion_of_the_frames_alone(cloud, correction):
    truth = FrameCorrection(5, CENTRE).double()
    with torch.no_grad():
        truth.motion[[1, 3]] = torch.randn(2, 6, dtype=torch.float64)
    frames = torch.tensor([1, 3])
    wanted = truth(cloud, frames).means.detach()
    optimiser = torch.optim.Adam(correction.parameters(), 0.1)
    for _ in range(150):
        loss = 1e4 * (correction(cloud, frames).means - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.testing.assert_close(correction.motion[frames], truth.motion[frames], rtol=0, atol=0.05)
    assert (correction.motion[[0, 2, 4]] == 0).all()


def test_size_is_the_mean_square(correction):
    with torch.no_grad():
        correction.motion[2] = 2.0
    assert correction.size(torch.tensor([2])) == 4
    assert correction.size(torch.tensor([0, 2])) == 2
