"""The whole performance in one step: exact where all is linear, within its range."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from mien_training.rig.model.motion import MotionSpline, TimeOffsets
from mien_training.rig.model.weight_prior import WeightPrior, WeightPriorConfig
from mien_training.rig.photometric import motion_solver
from mien_training.rig.photometric.motion_equations import MotionEquations
from mien_training.rig.photometric.motion_solver import MotionSolver, MotionSolverConfig

FREE = MotionSolverConfig(weights=WeightPriorConfig(size_sigma=1e4), step_sigma=1e4)
SHAPES, FRAMES = 2, 24


def prior_of(config: MotionSolverConfig) -> WeightPrior:
    """Of shapes that have nothing to do with each other."""
    return WeightPrior.of([f"shape{k}" for k in range(SHAPES)], config.weights)


def truth(times: torch.Tensor) -> torch.Tensor:
    """(T, 8) smooth weights, rotation, translation."""
    phase = times[:, None] * torch.linspace(2, 6, SHAPES + 6)
    scale = torch.tensor([0.4] * SHAPES + [0.2] * 3 + [0.02] * 3)
    return torch.cat([torch.full((len(times), SHAPES), 0.5), torch.zeros(len(times), 6)], 1) + (
        scale * phase.sin()
    )


def observe_motion(solver: MotionSolver, camera: int, offset_s: float, times: torch.Tensor) -> None:
    """Frames that see every unknown as it is, at times of the camera's own clock."""
    guess_times = solver.time_offsets(torch.full((len(times),), camera), times)
    motion = solver.spline(guess_times)
    now = torch.cat([motion.weights, motion.rotation, motion.translation], 1).detach()
    scale = torch.tensor([1.0] * SHAPES + [30.0] * 3 + [1e3] * 3)
    for time, gap in zip(guess_times, truth(times + offset_s) - now, strict=True):
        matrix = 1e4 * torch.diag(scale)
        solver.add(camera, time, MotionEquations(matrix, matrix @ gap))


def test_one_step_finds_a_performance_that_is_seen_as_it_is():
    spline, time_offsets = MotionSpline.uniform(-0.1, 2.1, SHAPES, 12), TimeOffsets(1)
    solver = MotionSolver(spline, time_offsets, FREE, prior_of(FREE))
    times = torch.arange(0, 2, 1 / 40)
    observe_motion(solver, 0, 0.0, times)
    solver.step()
    motion = spline(times)
    found = torch.cat([motion.weights, motion.rotation, motion.translation], 1).detach()
    torch.testing.assert_close(found, truth(times), atol=2e-3, rtol=0)


def test_the_band_solves_what_a_dense_solver_solves():
    rng = np.random.default_rng(0)
    spline, time_offsets = MotionSpline.uniform(0.0, 1.0, SHAPES, 8), TimeOffsets(2)
    with torch.no_grad():
        spline.weights.fill_(0.5)
        spline.rotation.copy_(torch.from_numpy(rng.normal(0, 0.1, spline.rotation.shape)))
    config = MotionSolverConfig(weights=WeightPriorConfig(size_sigma=2.0), step_sigma=0.01)
    solver = MotionSolver(spline, time_offsets, config, prior_of(config))
    knots, unknowns = len(spline.weights), SHAPES + 6
    dense = np.zeros((knots * unknowns + 1, knots * unknowns + 1))
    rhs = np.zeros(len(dense))
    for camera, time in [(0, 0.11), (1, 0.43), (1, 0.47), (0, 0.82), (1, 0.95)]:
        rows = rng.normal(size=(3, unknowns))
        matrix, force = rows.T @ rows, 0.05 * rng.normal(size=unknowns)
        at = torch.tensor(time)
        said = MotionEquations(torch.from_numpy(matrix), torch.from_numpy(force))
        solver.add(camera, at, said)
        index, basis = spline.basis(at[None])
        design = np.zeros((unknowns, len(dense)))
        for j, share in zip(index[0].tolist(), basis[0].tolist(), strict=True):
            design[:, j * unknowns : (j + 1) * unknowns] = share * np.eye(unknowns)
        if camera:
            design[:, -1] = spline.velocity(at[None])[0].numpy()
        dense += design.T @ matrix @ design
        rhs += design.T @ force
    spread = np.array([0.01] * SHAPES + [0.001] * 3 + [0.0002] * 3)
    diagonal = np.append(np.tile(1 / spread**2, knots), 1 / 0.01**2)
    for j in range(knots):
        for k in range(SHAPES):
            diagonal[j * unknowns + k] += 1 / 4
            rhs[j * unknowns + k] -= 0.5 / 4
    expected = np.linalg.solve(dense + np.diag(diagonal), rhs)
    before = spline.controls().double().numpy()
    solver.step()
    change = spline.controls().double().numpy() - before
    np.testing.assert_allclose(change.ravel(), expected[:-1], atol=1e-6)
    assert time_offsets.offsets_s[1].item() == pytest.approx(expected[-1], abs=1e-7)


@pytest.mark.parametrize("learn", [True, False])
def test_clocks_are_found_with_the_motion(learn):
    spline, time_offsets = MotionSpline.uniform(-0.2, 3.2, SHAPES, 12), TimeOffsets(2, learn)
    times = torch.arange(0, 3, 1 / 30)
    for _ in range(6):
        solver = MotionSolver(spline, time_offsets, FREE, prior_of(FREE))
        observe_motion(solver, 0, 0.0, times)
        observe_motion(solver, 1, 0.021, times)
        solver.step()
    found = float(time_offsets.offsets_s[1])
    assert found == (pytest.approx(0.021, abs=5e-4) if learn else 0)


def test_weights_stay_within_their_range_and_others_know():
    spline, time_offsets = MotionSpline.uniform(0.0, 1.0, SHAPES, 8), TimeOffsets(1)
    solver = MotionSolver(spline, time_offsets, FREE, prior_of(FREE))
    # Only the sum of both weights is seen, and a difference that asks the first below 0.
    seen = torch.zeros(SHAPES + 6, SHAPES + 6)
    seen[:SHAPES, :SHAPES] = 1e4 * torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    seen[0, 1] = seen[1, 0] = 1.9e4
    wish = torch.zeros(SHAPES + 6)
    wish[:2] = torch.tensor([-0.3, 0.7])
    for time in torch.linspace(0, 1, 30):
        solver.add(0, time, MotionEquations(seen, seen @ wish))
    solver.step()
    weights = spline(torch.linspace(0, 1, 30)).weights
    assert weights.min() >= 0 and weights.max() <= 1
    # With the first at 0 the best second is not 0.7: it takes over what the first would have done.
    expected = 0.7 - 0.3 * 1.9 / 2
    torch.testing.assert_close(
        weights[:, 1].detach(), torch.full((30,), expected), atol=1e-3, rtol=0
    )


def test_without_evidence_nothing_moves_but_weights_go_to_zero():
    spline = MotionSpline.uniform(0.0, 1.0, SHAPES, 8)
    with torch.no_grad():
        spline.weights.fill_(0.4)
        spline.rotation.fill_(0.1)
    config = MotionSolverConfig(step_sigma=1e3)
    MotionSolver(spline, TimeOffsets(1), config, prior_of(config)).step()
    assert spline.weights.abs().max() < 1e-4
    torch.testing.assert_close(spline.rotation.detach(), torch.full_like(spline.rotation, 0.1))


@dataclass
class OneColour:
    """Stands for `SharedTexture`: one colour that all frames see with the first weight."""

    basis: torch.Tensor
    residual: float
    hessian: float
    cross: float

    def best_colours(self, change: torch.Tensor) -> torch.Tensor:
        return (self.residual - self.cross * change[:, :1].sum(0)) / self.hessian

    def motion_rhs(self, colours: torch.Tensor) -> torch.Tensor:
        taken = torch.zeros(FRAMES, SHAPES + 6).double()
        taken[:, 0] = self.cross * colours
        return taken


@pytest.mark.parametrize("cameras", [1, 2])
def test_colours_and_motion_take_turns_towards_the_solution_of_both(monkeypatch, cameras):
    """With a second weight that its range holds at 0, and a clock that is behind."""
    monkeypatch.setattr(motion_solver, "_TURNS", 60)
    rng = np.random.default_rng(3)
    spline, time_offsets = MotionSpline.uniform(0.0, 1.0, SHAPES, 4), TimeOffsets(cameras)
    with torch.no_grad():
        spline.weights[:, 0] = torch.linspace(0.3, 0.6, len(spline.weights))
    solver = MotionSolver(spline, time_offsets, FREE, prior_of(FREE))
    before = spline.controls().double()
    frames, designs = [], []
    for n, time in enumerate(np.linspace(0.05, 0.95, FRAMES)):
        camera, at = n % cameras, torch.tensor(time)
        matrix = 1e4 * np.diag(rng.uniform(1, 2, SHAPES + 6))
        rhs = 1e4 * rng.normal(0.0, 0.02, SHAPES + 6)
        rhs[1] = -1e4
        solver.add(camera, at, MotionEquations(torch.from_numpy(matrix), torch.from_numpy(rhs)))
        index, basis = spline.basis(at[None])
        design = np.zeros((SHAPES + 6, len(before), SHAPES + 6))
        for knot, share in zip(index[0].tolist(), basis[0].tolist(), strict=True):
            design[:, knot] += share * np.eye(SHAPES + 6)
        clock = spline.velocity(at[None])[0].numpy() * (camera > 0)
        whole = np.concatenate([design.reshape(SHAPES + 6, -1), clock[:, None]], 1)
        frames.append((matrix, rhs))
        designs.append(whole)
    texture = OneColour(torch.zeros(1).double(), 2e3, 4e5, 1.2e4)
    solver.step(texture)
    change = (spline.controls().double() - before).numpy()
    offset = time_offsets.offsets_s[1:].double().numpy() if cameras == 2 else np.zeros(1)
    unknowns = np.concatenate([change.ravel(), offset])
    at_frames = np.stack([design @ unknowns for design in designs])
    colour = float(texture.best_colours(torch.from_numpy(at_frames)))
    force = np.zeros_like(unknowns)
    for (matrix, rhs), design, moved in zip(frames, designs, at_frames, strict=True):
        taken = np.eye(SHAPES + 6)[0] * texture.cross * colour
        force += design.T @ (rhs - taken - matrix @ moved)
    force[-1] -= offset[0] / 0.01**2
    free = force[:-1].reshape(change.shape)
    assert abs(free[:, 0]).max() < 1.0 and abs(free[:, SHAPES:]).max() < 1.0  # of 1e4
    # The last knot hardly reaches the last frame.
    assert (spline.weights[:-1, 1] == 0).all() and (free[:-1, 1] < 0).all()
    assert abs(force[-1]) < 1.0 * cameras
    assert abs(colour) > 1e-3
