"""The reference: its gradients in double precision, and its rotations."""

import numpy as np
import torch
from support.clouds import random_cloud, straight_camera

from mien.avatar.pinhole import camera_arrays
from mien.rotation import matrix_from_quaternion, unit_quaternion
from mien_training.rendering.splats.splat_reference import draw_reference, rotation_matrices

SIZE = (7, 8)


def test_gradients_are_those_of_finite_differences():
    cloud = random_cloud(4, seed=3)
    tensors = [
        torch.tensor(getattr(cloud, name), dtype=torch.float64)
        for name in ("means", "rotations", "scales", "opacities", "colours")
    ]
    tensors[2] = tensors[2].clamp(min=0.02)  # no pixel near the cut-off at 1/255
    poses, lenses = (torch.tensor(a, dtype=torch.float64) for a in camera_arrays(
        [straight_camera(SIZE[1], SIZE[0], focal=12.0)]
    ))  # fmt: skip
    for tensor in tensors:
        tensor.requires_grad_()

    def draw(*inputs):
        return draw_reference(SIZE, *inputs, poses[0], lenses[0])

    assert draw(*tensors)[0][..., 3].max() > 0.2
    assert torch.autograd.gradcheck(draw, tensors, eps=1e-7, atol=1e-5)


def test_rotations_are_those_of_the_runtime():
    q = np.random.default_rng(0).normal(size=(5, 4))
    found = rotation_matrices(torch.tensor(q)).numpy()
    assert np.allclose(found, matrix_from_quaternion(unit_quaternion(q)), atol=1e-12)


def test_no_quaternion_is_no_rotation():
    assert torch.equal(rotation_matrices(torch.zeros(4)), torch.eye(3))
