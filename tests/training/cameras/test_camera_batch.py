"""Cameras as tensors see what `Camera` sees, and pass gradients on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.cameras.camera import look_at_camera, project
from mien_training.cameras.camera_batch import CameraBatch


@pytest.fixture(scope="module")
def cameras():
    eyes = ([0.0, 0.1, 1.0], [0.5, 0.0, 0.8], [-0.3, 0.4, 0.9])
    return [look_at_camera(np.array(eye), np.zeros(3), 0.5, 320, 240) for eye in eyes]


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).normal(0, 0.1, (3, 20, 3))


def test_pixels_are_the_cameras_own(cameras, points):
    views = CameraBatch.of(cameras, torch.float64)
    order = torch.tensor([2, 0, 1])
    pixels = views.pixels(order, torch.from_numpy(points))
    for row, k in enumerate(order):
        np.testing.assert_allclose(pixels[row], project(cameras[k], points[row])[0], atol=1e-9)


def test_a_lens_bends_pixels_as_the_cameras_own(points):
    straight = look_at_camera(np.array([0.0, 0.1, 1.0]), np.zeros(3), 0.5, 320, 240)
    bent = replace(straight, k1=-0.2, k2=0.05)
    pixels = CameraBatch.of([bent], torch.float64).pixels(
        torch.zeros(3, dtype=torch.long), torch.from_numpy(points)
    )
    for row in range(3):
        np.testing.assert_allclose(pixels[row], project(bent, points[row])[0], atol=1e-9)


def test_clip_space_and_pixels_agree(cameras, points):
    views, order = CameraBatch.of(cameras, torch.float64), torch.arange(3)
    clip = views.clip(order, torch.from_numpy(points))
    flat = clip[..., :2] / clip[..., 3:]
    pixels = torch.stack([(flat[..., 0] + 1) * 160, (1 + flat[..., 1]) * 120], -1)
    torch.testing.assert_close(pixels, views.pixels(order, torch.from_numpy(points)))


def test_centres_are_where_the_cameras_stand(cameras):
    stand = np.stack([c.centre for c in cameras])
    np.testing.assert_allclose(CameraBatch.of(cameras, torch.float64).centres, stand, atol=1e-12)


def test_what_lies_behind_is_finite_and_far_outside(cameras):
    behind = torch.tensor([[[0.3, 0.2, 3.0]]])
    pixels = CameraBatch.of(cameras[:1]).pixels(torch.zeros(1, dtype=torch.long), behind)
    assert pixels.isfinite().all() and pixels.abs().max() > 3000


def test_gradients_are_those_of_finite_differences(cameras, points):
    views, order = CameraBatch.of(cameras, torch.float64), torch.arange(3)
    moving = torch.from_numpy(points[:, :4]).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: views.pixels(order, p), moving)
    assert torch.autograd.gradcheck(lambda p: views.clip(order, p), moving)


def test_no_cameras_are_refused():
    with pytest.raises(InputError, match="no cameras"):
        CameraBatch.of([])
