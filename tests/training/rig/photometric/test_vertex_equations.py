"""Equations of images: slopes are those of the camera, and a moved surface is pulled back."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.filmed_moment import FilmedMoment

from mien_training.cameras.camera import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.rig.model.motion import rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.surface_motion import SurfaceMotion
from mien_training.rig.photometric.vertex_equations import VertexEquations, projection_slopes
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

    def one_shift(said: VertexEquations) -> torch.Tensor:
        """Of all vertices: by the sums of hessians and right-hand sides."""
        return torch.linalg.solve(said.hessian[:, :3, :3].sum(0), said.rhs[:, :3].sum(0))

    torch.testing.assert_close(one_shift(equations)[:2], -shift[:2], atol=2e-4, rtol=0)
    assert one_shift(at_truth)[:2].abs().max() < 1e-4


def test_light_from_elsewhere_asks_the_normals_to_turn(moment):
    """A head that has not moved, under light that is turned about it: normals turn after it."""
    angle = 0.03
    turn = rotation_from_vector(torch.tensor([0.0, angle, 0.0]))
    moment = copy.deepcopy(moment)
    light = moment.surface.light
    with torch.no_grad():
        light[1:] = 0.0
        light[1:4] = torch.tensor([[0.1], [0.3], [0.8]])  # y, z, x of the light's direction
        moment.seen = moment.filmed()
        direction = turn @ torch.tensor([0.8, 0.1, 0.3])
        light[1:4] = direction[[1, 2, 0], None]
        _, equations = moment.linearised(moment.shapes, moment.truth)
    surface = SurfaceMotion.of(moment.shapes, moment.picture.faces)
    moves = surface.moves(moment.posed(moment.truth, equations.vertex))[:, 3:, -6:-3]
    matrix = torch.einsum("vxu,vxy,vyw->uw", moves, equations.hessian[:, 3:, 3:], moves)
    asked = torch.linalg.solve(matrix, torch.einsum("vxu,vx->u", moves, equations.rhs[:, 3:]))
    torch.testing.assert_close(asked, torch.tensor([0.0, angle, 0.0]), atol=0.008, rtol=0)


def test_what_has_moved_is_not_asked_for_again(moment):
    shifted = Shapes(moment.shapes.neutral + 0.0005, moment.shapes.deltas)
    _, equations = moment.linearised(shifted, moment.truth)
    same = torch.zeros(len(equations.vertex), 3)
    best = torch.linalg.lstsq(equations.hessian, equations.rhs[..., None]).solution[..., 0]
    left = equations.after(best, same)
    assert left.rhs.norm() < 1e-2 * equations.rhs.norm()
    assert torch.equal(equations.after(0 * best, same).rhs, equations.rhs)


def test_a_surface_of_another_colour_is_asked_for_that_colour(moment):
    tint = torch.tensor([0.02, -0.01, 0.03])
    moment = copy.deepcopy(moment)
    images = moment.seen.images.float() / 255 + tint
    moment.seen = replace(moment.seen, images=(images * 255).round().clamp(0, 255).byte())
    _, equations = moment.linearised(moment.shapes, moment.truth)
    found = equations.colour.residual.sum(0) / equations.colour.mass.sum()
    torch.testing.assert_close(found, tint, atol=2e-3, rtol=0)
    left = equations.after(
        torch.zeros(len(equations.vertex), 6), tint.expand(len(equations.vertex), 3)
    )
    assert left.rhs.norm() < 0.3 * equations.rhs.norm()


def test_the_hessian_has_no_negative_directions(moment):
    _, equations = moment.linearised(moment.shapes, moment.truth)
    scale = torch.tensor([0.01] * 3 + [1.0] * 3)  # metres and unit normals
    scaled = (scale[:, None] * equations.hessian * scale).double()
    assert torch.linalg.eigvalsh(scaled)[:, 0].min() > -1e-6 * scaled.max()
    torch.testing.assert_close(scaled, scaled.transpose(1, 2), atol=1e-6, rtol=1e-4)
    assert len(equations.vertex.unique()) == len(equations.vertex)
