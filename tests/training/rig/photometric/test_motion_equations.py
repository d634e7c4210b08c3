"""One frame's motion from its image and its points: right slopes, and the truth is found."""

import pytest
import torch
from support.filmed_moment import FilmedMoment

from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.photometric.motion_equations import from_image, from_points, point_motions
from mien_training.rig.photometric.surface_motion import SurfaceMotion
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def moment():
    return FilmedMoment.of(load_template("anny"))


def stepped(motion: Motion, matrix: torch.Tensor, rhs: torch.Tensor) -> Motion:
    count = motion.weights.shape[1]
    damping = torch.full((count + 6,), 2.0)
    damping[count : count + 3], damping[count + 3 :] = 400.0, 10000.0
    step = torch.linalg.solve(matrix + damping.diag(), rhs)
    return Motion(
        (motion.weights + step[:count]).clamp(0, 1),
        motion.rotation + step[count : count + 3],
        motion.translation + step[count + 3 :],
    )


def posed_error_mm(moment: FilmedMoment, guess: Motion) -> float:
    apart = moment.shapes.posed(guess) - moment.shapes.posed(moment.truth)
    return 1000 * float(apart.norm(dim=-1).mean())


def points_of(moment: FilmedMoment, guess: Motion, offsets: torch.Tensor):
    return from_points(
        moment.shapes, guess, moment.seen, 0, moment.landmark_points.corners,
        moment.landmark_points.share, offsets,
        moment.landmark_points.present.float(), torch.tensor(1.2), 20.0,
    )  # fmt: skip


def test_motions_of_points_are_the_derivatives_of_the_pose():
    torch.manual_seed(1)
    rest, deltas = torch.randn(4, 3).double(), torch.randn(2, 4, 3).double()
    unknowns = torch.tensor([0.3, 0.6, 0.2, -0.4, 0.5, 0.1, 0.2, 0.3], dtype=torch.float64)

    def world(x: torch.Tensor) -> torch.Tensor:
        face = rest + torch.tensordot(x[:2], deltas, dims=1)
        return face @ rotation_from_vector(x[2:5]).T + x[5:]

    motion = Motion(unknowns[None, :2], unknowns[None, 2:5], unknowns[None, 5:])
    change, place = point_motions(rest, deltas, motion)
    turn = rotation_from_vector(unknowns[2:5])
    torch.testing.assert_close(place, world(unknowns))
    torch.testing.assert_close(
        turn @ change, torch.autograd.functional.jacobian(world, unknowns), atol=1e-9, rtol=0
    )


def test_points_alone_lead_to_the_motion_that_made_them(moment):
    truth = moment.truth
    guess = Motion(0.6 * truth.weights, truth.rotation + 0.03, truth.translation + 0.004)
    assert posed_error_mm(moment, guess) > 5
    for _ in range(12):
        said = points_of(moment, guess, torch.zeros(478, 3)).motion()
        guess = stepped(guess, said.matrix, said.rhs)
    places = moment.landmark_points.positions(moment.shapes.posed(guess))
    pixels = moment.seen.views.pixels(moment.seen.camera, places)
    gap = (pixels - moment.seen.points).norm(dim=-1)[0, moment.landmark_points.present]
    assert float(gap.median()) < 0.15


def test_points_misplaced_by_what_is_known_say_nothing_new(moment):
    at_truth = points_of(moment, moment.truth, torch.zeros(478, 3))
    assert at_truth.rhs.abs().max() < 1e-2 * at_truth.hessian.abs().max() * 1e-3
    shifted = points_of(moment, moment.truth, torch.full((478, 3), 0.002))
    assert shifted.rhs.norm() > 100 * at_truth.rhs.norm()


def moves_of(moment, motion, equations):
    surface = SurfaceMotion.of(moment.shapes, moment.picture.faces)
    return surface.moves(moment.posed(motion, equations.vertex))


def test_images_alone_improve_the_motion(moment):
    truth = moment.truth
    guess = Motion(truth.weights * 0.8, truth.rotation + 0.01, truth.translation + 0.001)
    before, errors = posed_error_mm(moment, guess), []
    for _ in range(6):
        rendered, equations = moment.linearised(moment.shapes, guess)
        errors.append(moment.error(rendered))
        said = from_image(moves_of(moment, guess, equations), equations)
        guess = stepped(guess, said.matrix, said.rhs)
    assert errors[-1] < 0.4 * errors[0]
    assert posed_error_mm(moment, guess) < 0.6 * before


def test_the_truth_stays_where_it_is(moment):
    _, equations = moment.linearised(moment.shapes, moment.truth)
    said = from_image(moves_of(moment, moment.truth, equations), equations)
    assert posed_error_mm(moment, stepped(moment.truth, said.matrix, said.rhs)) < 0.15
    twice = said + said
    assert torch.equal(twice.matrix, 2 * said.matrix) and torch.equal(twice.rhs, 2 * said.rhs)
