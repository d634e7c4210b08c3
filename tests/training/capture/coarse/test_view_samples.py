"""Points in space find their pixels in every view, at any resolution of features."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.cameras import Camera, look_at_camera, project
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.coarse.view_samples import project_points, sample_views

SIZE = (48, 32)


def views(count=4):
    found = []
    for i in range(count):
        eye = np.array([np.sin(i), 0.2, np.cos(i)])
        plain = look_at_camera(eye, (0, 0, 0), 0.5, *SIZE)
        found.append(Camera(plain.K, plain.camera_from_world, *SIZE, 0.1, -0.02))
    return found


def ramps(scale):
    """(2, H, W) column and row, pixels, at feature centres."""
    width, height = int(SIZE[0] * scale), int(SIZE[1] * scale)
    x, y = (torch.arange(n, dtype=torch.float64) + 0.5 for n in (width, height))
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)]) / scale


@pytest.mark.parametrize("scale", [1, 0.5, 2])
def test_features_are_those_of_the_pixels_that_see_a_point(scale):
    cameras = views()
    points = np.random.default_rng(0).uniform(-0.08, 0.08, (2, 9, 3))
    batch = CameraBatch.of(cameras, torch.float64)
    features = ramps(scale).expand(2, 2, -1, -1, -1)
    sampled, seen = sample_views(features, torch.from_numpy(points), batch, SIZE)
    assert sampled.shape == (2, 2, 2, 9) and seen.all()
    for b in range(2):
        for v in range(2):
            pixels, _ = project(cameras[2 * b + v], points[b])
            np.testing.assert_allclose(sampled[b, v].T, pixels, atol=1e-4)  # pixels


def test_what_is_behind_or_outside_is_not_seen():
    camera = look_at_camera((0, 0, 1), (0, 0, 0), 0.5, *SIZE)
    points = torch.tensor([[[0.0, 0, 0], [0, 0, 2], [0, 0, 1], [3, 0, 0], [1e9, 0, 0.999]]])
    sampled, seen = sample_views(torch.ones(1, 1, 3, 4, 6), points, CameraBatch.of([camera]), SIZE)
    assert seen.tolist() == [[[True, False, False, False, False]]]
    assert torch.equal(sampled[0, 0], seen[0, 0].float().expand(3, 5))


def test_points_have_gradients():
    batch = CameraBatch.of(views(2), torch.float64)
    points = (0.05 * torch.randn(1, 3, 3, dtype=torch.float64)).requires_grad_()
    smooth = ramps(1).square().expand(1, 2, -1, -1, -1).contiguous() / 100
    assert torch.autograd.gradcheck(
        lambda p: project_points(p, batch, SIZE)[0], (points,), eps=1e-7, atol=1e-5
    )
    sampled, _ = sample_views(smooth, points, batch, SIZE)
    (slope,) = torch.autograd.grad(sampled.sum(), points)
    assert torch.isfinite(slope).all() and (slope != 0).all()


def test_what_does_not_fit_is_refused():
    batch = CameraBatch.of(views(3))
    with pytest.raises(InputError, match="multiple"):
        project_points(torch.zeros(2, 4, 3), batch, SIZE)
    with pytest.raises(InputError, match="views"):
        sample_views(torch.zeros(1, 2, 1, 4, 4), torch.zeros(1, 4, 3), batch, SIZE)
    with pytest.raises(InputError, match="features"):
        sample_views(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 3), batch, SIZE)
