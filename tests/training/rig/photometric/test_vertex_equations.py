"""Equations of images: slopes are those of the camera, and a moved surface is pulled back."""

import numpy as np
import pytest
import torch
from support.filmed_moment import FilmedMoment

from mien_training.cameras.camera import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.vertex_equations import projection_slopes
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def moment():
    return FilmedMoment.of(load_template("anny"))


def test_slopes_are_the_derivatives_of_the_projection():
    eye, target = np.array([0.2, 0.1, 0.9]), np.array([0.0, 0.05, 0.0])
    views = CameraBatch.of([look_at_camera(eye, target, 0.5, 64, 48)], torch.float64)
    points = torch.rand(5, 3, dtype=torch.float64) * 0.2
    camera = torch.zeros(1, dtype=torch.long)

    def project(p: torch.Tensor) -> torch.Tensor:
        return views.pixels(camera, p[None])[0].sum(0)

    expected = torch.autograd.functional.jacobian(project, points).permute(1, 0, 2)
    found = projection_slopes(points, views.camera_from_world[0], views.intrinsics[0])
    torch.testing.assert_close(found, expected)


def test_a_surface_moved_sideways_is_asked_to_go_back(moment):
    _, at_truth = moment.linearised(moment.shapes, moment.truth)
    shift = torch.tensor([0.0008, -0.0005, 0.0])
    moved = Shapes(moment.shapes.neutral + shift, moment.shapes.deltas)
    _, equations = moment.linearised(moved, moment.truth)
    # One displacement for all vertices: the sums of hessians and right-hand sides.
    asked = torch.linalg.solve(equations.hessian.sum(0), equations.rhs.sum(0))
    torch.testing.assert_close(asked[:2], -shift[:2], atol=2e-4, rtol=0)
    still = torch.linalg.solve(at_truth.hessian.sum(0), at_truth.rhs.sum(0))
    assert still[:2].abs().max() < 1e-4


def test_what_has_moved_is_not_asked_for_again(moment):
    shifted = Shapes(moment.shapes.neutral + 0.0005, moment.shapes.deltas)
    _, equations = moment.linearised(shifted, moment.truth)
    best = torch.linalg.lstsq(equations.hessian, equations.rhs[..., None]).solution[..., 0]
    left = equations.after(best)
    assert left.rhs.norm() < 1e-3 * equations.rhs.norm()
    assert torch.equal(equations.after(0 * best).rhs, equations.rhs)


def test_the_hessian_has_no_negative_directions(moment):
    _, equations = moment.linearised(moment.shapes, moment.truth)
    lowest = torch.linalg.eigvalsh(equations.hessian.double())[:, 0]
    assert lowest.min() > -1e-6 * equations.hessian.max()
    assert len(equations.vertex.unique()) == len(equations.vertex)
