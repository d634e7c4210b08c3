"""The warp starts as nothing, moves rigidly where it moves evenly, and its losses know it."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien_training.avatar.volume.error_warp import BANDS, ErrorWarp  # noqa: E402


@pytest.fixture
def warp():
    torch.manual_seed(0)
    return ErrorWarp(5, 3, 32)


@pytest.fixture
def points():
    return 0.1 * torch.randn(40, 3, generator=torch.Generator().manual_seed(0))


def test_it_starts_as_nothing(warp, points):
    for frame in (0, 4, None):
        torch.testing.assert_close(warp(points, frame, BANDS), points, atol=1e-8, rtol=0)
    assert float(warp.elastic(points, 0, BANDS).detach()) < 1e-8


def test_an_even_motion_is_rigid_and_not_stretched(warp, points):
    warp, points = warp.double(), points.double()
    with torch.no_grad():
        warp.turn[2].bias += torch.tensor([3.0, -2.0, 1.0])
        warp.pivot[2].bias += torch.tensor([0.2, 0.1, 0.0])
        warp.move[2].bias += torch.tensor([1.0, 2.0, -1.0])
    moved = warp(points, 1, BANDS)
    torch.testing.assert_close(torch.pdist(moved), torch.pdist(points))
    assert (moved - points).norm(dim=1).min() > 1e-3
    assert float(warp.elastic(points, 1, BANDS).detach()) < 1e-6
    # By twice the length of the logarithm of the quaternion.
    about = points - points.mean(0)
    found = torch.linalg.lstsq(about, moved - moved.mean(0)).solution
    angle = torch.arccos(((found.trace() - 1) / 2).clamp(-1, 1))
    assert float(angle.detach()) == pytest.approx(2 * 0.01 * 14**0.5, rel=1e-2)


def test_stretching_costs(warp, points):
    with torch.no_grad():
        warp.move[2].weight += 3 * torch.randn(3, 32)
    assert float(warp.elastic(points, 1, BANDS).detach()) > 1e-3
    warp.elastic(points, 1, BANDS).backward()
    gradients = [p.grad for p in warp.parameters() if p.grad is not None]
    assert gradients and all(torch.isfinite(g).all() for g in gradients)


def test_every_frame_has_its_own_and_bands_open(warp, points):
    with torch.no_grad():
        warp.move[2].weight += torch.randn(3, 32)
    one, other = warp(points, 0, BANDS), warp(points, 1, BANDS)
    assert (one - other).abs().max() > 1e-5
    assert (one - warp(points, 0, 1.0)).abs().max() > 1e-6
