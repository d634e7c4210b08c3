"""What keeps personal shapes from the truth: one thing after the other made perfect.

python tests/benchmarks/rig_limits.py TAKE.csv ICT_FOLDER [--seeds 1 2 3]

After rig_synthetic.py (same arguments), whose fits of three views it starts from; writes
docs/results/rig_limits.{json,md}.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from result_pages import RESULTS, only_rendered
from rig_synthetic import FULL, path_of
from scipy.spatial.transform import Rotation
from synthetic_measures import measure
from synthetic_recording import RUNS, SyntheticRecording, parser_of, recorded
from torch import Tensor

from mien.clip import Clip
from mien_training.geometry.alignment import fit_alignment
from mien_training.metrics.tables import results_page, write_results
from mien_training.rig.fit import fit_rig
from mien_training.rig.model.motion import Motion
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric import gauss_newton_pass as one_pass
from mien_training.rig.photometric.gauss_newton_pass import gauss_newton_pass
from mien_training.rig.photometric.motion_solver import MotionSolver
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.photometric.shape_solver import ShapeEquations, solve_shapes
from mien_training.rig.photometric.sym3 import sym3_matvec, sym3_pack
from mien_training.templates import load_template
from mien_training.templates.regions import face_region

FRAMES = 300
STEPS = 60
"""Of light and texture, where geometry and motion are made true."""
PASSES = 3
SOLVER = {"steps": 40, "tolerance": 1e-4}
"""Of shapes by a known performance: to the end, for nothing is left that would mislead it."""
EXACT = 1e6
"""Stiffness of perfect points, per square metre: a millimetre's spread."""


class Known:
    """A fitted model of a recording, parts of which are replaced by the truth."""

    def __init__(self, recording: SyntheticRecording, seed: int, keep_shapes: bool = False) -> None:
        self.recording, self.seed = recording, seed
        self.person, self.template = recording.person, recording.person.template
        seen = recording.seen
        config = replace(FULL, seed=seed)
        checkpoint = path_of("three views", seed, "pt")
        assert checkpoint.exists(), "run rig_synthetic.py first"
        self.model = fit_rig(self.template, seen, config, checkpoint).model
        if not keep_shapes:
            with torch.no_grad():
                self.model.rig.u_shapes.zero_()
        rng = np.random.default_rng(seed)
        count = min(FRAMES, len(seen.camera))
        self.frames = torch.from_numpy(np.sort(rng.choice(len(seen.camera), count, False)))
        self.objective = Objective(
            self.template, seen, self.model, replace(config, rest_quantile=0.0)
        )
        # Fitted and true rig stand differently under the same head: turns and shifts that the
        # fitted pose makes up for.
        face = face_region(self.template)
        fitted = self.model.rig.arrays()[0]
        self.true_from_fitted = fit_alignment(fitted[face], self.person.neutral[face], "rigid")
        self.neutral_is_true = False

    def true_neutral(self) -> None:
        """The truth's neutral, where the fitted one was; nothing is left to solve in it."""
        rig, move = self.model.rig, self.true_from_fitted
        with torch.no_grad():
            motion = self.objective.motion_at(torch.arange(len(self.recording.seen.camera)))
        turns = Rotation.from_rotvec(motion.rotation.numpy()).as_matrix() @ move.rotation.T
        shifts = motion.translation.numpy() - turns @ move.translation
        self._move(motion.weights, turns, shifts)
        self.neutral_is_true, rig._neutral_unit = True, 0.0
        with torch.no_grad():
            rig.u_neutral.zero_()
            rig.identity.zero_()
            rig.rest.zero_()
            rig.template_vertices.copy_(torch.from_numpy(self.person.neutral))

    def true_shapes(self) -> None:
        """The truth's shapes in place of the template's."""
        turn = np.eye(3) if self.neutral_is_true else self.true_from_fitted.rotation
        with torch.no_grad():
            self.model.rig.template_deltas.copy_(torch.from_numpy(self.person.deltas @ turn))

    def true_motion(self) -> None:
        """The truth's weights, pose and time offsets, as far as the spline can follow."""
        footage, seen = self.recording.footage, self.recording.seen
        rig = self.model.rig
        # Nothing is left that would mislead all frames.
        rig.prior = replace(rig.prior, evidence_weight=1.0, around_eyes=1.0)
        with torch.no_grad():
            truth = torch.tensor([t.offset_s for t in footage.truth[1:]])
            self.model.time_offsets.shift(truth - self.model.time_offsets.offsets_s[1:])
        weights, turns, shifts = [], [], []
        for c, f in zip(seen.camera.tolist(), seen.frame.tolist(), strict=True):
            head = footage.truth[c].world_from_head[f]
            weights.append(footage.truth[c].weights[f])
            turns.append(head[:3, :3])
            shifts.append(head[:3, 3])
        turn, shift = np.stack(turns), np.stack(shifts)
        if not self.neutral_is_true:
            move = self.true_from_fitted
            turn, shift = turn @ move.rotation, turn @ move.translation + shift
        self._move(torch.from_numpy(np.stack(weights)), turn, shift)

    def _move(self, weights: Tensor, turns: np.ndarray, shifts: np.ndarray) -> None:
        """Follow weights (N, K), world_from_rig turns (N, 3, 3) and shifts (N, 3) of all frames."""
        seen = self.recording.seen
        vectors = Rotation.from_matrix(turns).as_rotvec()
        target = Motion(
            weights, torch.from_numpy(vectors).float(), torch.from_numpy(shifts).float()
        )
        with torch.no_grad():
            times = self.model.time_offsets(seen.camera, seen.times_s)
        self.model.motion.fit_samples(times, target, 1e-6)

    def relight(self) -> None:
        """Light and texture for the geometry as it is now."""
        optimiser = torch.optim.Adam(self.model.appearance.parameters(), lr=0.01)
        rng = np.random.default_rng(self.seed)
        with torch.no_grad():
            shapes = self.model.rig()
            shapes = Shapes(shapes.neutral, torch.from_numpy(self.person.deltas))
        for _ in range(STEPS):
            chosen = torch.from_numpy(rng.choice(len(self.recording.seen.camera), 6, False))
            explained = self.objective.explain(shapes, chosen, 0.0)
            optimiser.zero_grad()
            explained.loss.backward()
            optimiser.step()

    def figures(self) -> dict[str, Any]:
        """Against the truth, as they are now."""
        with torch.no_grad():
            motion = self.objective.motion_at(torch.arange(len(self.recording.seen.camera)))
        neutral, deltas = self.model.rig.arrays()
        weights = motion.weights.clamp(0, 1).numpy()
        return measure(self.recording.truth, neutral, deltas, weights, "rigid")


@contextmanager
def motion_is_known() -> Iterator[None]:
    """Gauss-Newton passes that solve shapes only, to the end, and trust the performance."""
    step, marginalisation, solve = (
        MotionSolver.step,
        one_pass._marginalisation,
        one_pass.solve_shapes,
    )
    MotionSolver.step = lambda self, texture: None  # type: ignore[method-assign]
    one_pass._marginalisation = lambda *_: (None, None)  # type: ignore[assignment]
    one_pass.solve_shapes = partial(solve, **SOLVER)
    try:
        yield
    finally:
        MotionSolver.step, one_pass._marginalisation = step, marginalisation  # type: ignore[method-assign]
        one_pass.solve_shapes = solve


def frame_equations(known: Known) -> ShapeEquations:
    """What a Gauss-Newton pass would solve the shapes from."""
    found: list[ShapeEquations] = []
    with motion_is_known():
        one_pass.solve_shapes = lambda e, _, now, __: found.append(e) or now
        gauss_newton_pass(known.objective, known.frames, True)
    return found[0]


def from_truth(known: Known, equations: ShapeEquations, hessian: Tensor) -> None:
    """Shapes by equations whose pull is exactly that of the true shapes."""
    rig = known.model.rig
    apart = torch.from_numpy(known.person.deltas) - rig.template_deltas
    weights = equations.weights[:, :-1]
    moved = torch.einsum("tk,kvx->tvx", weights, apart[:, equations.vertex])
    exact = ShapeEquations(equations.vertex, weights, hessian, sym3_matvec(hessian, moved))
    with torch.no_grad():
        rig.u_shapes.copy_(solve_shapes(exact, rig.shape_changes, rig.u_shapes, **SOLVER))


def perfect_points(known: Known) -> None:
    known.true_neutral()
    known.true_motion()
    equations = frame_equations(known)
    every = sym3_pack(EXACT * torch.eye(3)).expand(*equations.hessian.shape)
    from_truth(known, equations, every)


def perfect_pixels(known: Known) -> None:
    known.true_neutral()
    known.true_shapes()
    known.true_motion()
    known.relight()
    equations = frame_equations(known)
    with torch.no_grad():
        known.model.rig.template_deltas.copy_(torch.from_numpy(known.template.shape_deltas))
    from_truth(known, equations, equations.hessian)  # all of it counts since `true_motion`


def all_but_shapes(known: Known) -> None:
    known.true_neutral()
    known.true_motion()
    known.relight()
    with motion_is_known():
        for _ in range(PASSES):
            gauss_newton_pass(known.objective, known.frames, True)


def true_motion(known: Known) -> None:
    known.true_motion()
    with motion_is_known():
        for _ in range(PASSES):
            gauss_newton_pass(known.objective, known.frames, True)


def true_neutral(known: Known) -> None:
    known.true_neutral()
    known.relight()
    for _ in range(PASSES):
        gauss_newton_pass(known.objective, known.frames, True)


def true_shapes(known: Known) -> None:
    known.true_shapes()
    for _ in range(PASSES):
        gauss_newton_pass(known.objective, known.frames, False)


def all_but_motion(known: Known) -> None:
    known.true_neutral()
    known.true_shapes()
    known.relight()
    for _ in range(PASSES):
        gauss_newton_pass(known.objective, known.frames, False)


def nothing(known: Known) -> None:
    for _ in range(PASSES):
        gauss_newton_pass(known.objective, known.frames, True)


CASES: dict[str, Callable[[Known], None]] = {
    "nothing": nothing,
    "neutral and light": true_neutral,
    "motion": true_motion,
    "neutral, light and motion": all_but_shapes,
    "and images exactly linear": perfect_pixels,
    "every point of every frame": perfect_points,
    "shapes": true_shapes,
    "shapes, neutral and light": all_but_motion,
}
COLUMNS = ("template", "per shape", "closer, %", "weights", "frames")


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = parser_of(__doc__)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    options = parser.parse_args()
    template, take = load_template(options.ict), Clip.read(options.take)
    path = RUNS / "limits.json"
    results: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    for seed in options.seeds:
        recording = recorded(template, take, 3, seed)
        for name in options.only:
            if str(seed) in results.get(name, {}):
                continue
            known = Known(recording, seed)
            plain = np.nanmean(known.figures()["per shape"])
            CASES[name](known)
            row = known.figures()
            results.setdefault(name, {})[str(seed)] = {"template": plain, **row}
            print(seed, name, *cells([results[name][str(seed)]]), flush=True)
            path.write_text(json.dumps(results))
            write(results, options.take.name)
    write(results, options.take.name)


def write(results: dict[str, dict[str, Any]], take: str) -> None:
    command = f"python tests/benchmarks/rig_limits.py {take} ict_facekit/"
    write_results(RESULTS, "rig_limits", command, {"results": results}, page)


def page(record: dict[str, Any]) -> str:
    results = record["results"]
    rows = [
        [name, len(results[name]), *cells(list(results[name].values()))]
        for name in CASES
        if name in results
    ]
    return results_page(HEAD, ("true", "seeds", *COLUMNS), rows, record["command"])


def cells(runs: list[dict[str, Any]]) -> list[float]:
    found = float(np.mean([np.nanmean(np.array(r["per shape"], float)) for r in runs]))
    plain = float(np.mean([r["template"] for r in runs]))
    others = (float(np.mean([r[key] for r in runs])) for key in ("weights", "frames"))
    return [plain, found, 100 * (1 - found / plain), *others]


HEAD = f"""# What keeps personal shapes from the truth

Three views of synthetic people (see [rig_synthetic](rig_synthetic.md)): parts of the finished fit
are replaced by the truth, the shapes start over from the template's, and {PASSES} Gauss-Newton
passes over {FRAMES} frames solve the rest. template, per shape: mean error over the skin that truly
moves, mm, of the template's shapes and of the solved ones. weights: correlation with the true ones.
frames: mean error over the face in all frames, mm.

"motion": it is believed whole, and the shapes by it are solved to the end; a fit that does not
know it believes a small part (`evidence_weight`), and would be led astray by more. "and images
exactly linear": what a pixel says of a vertex is as in the images, but where it pulls is computed
from the true shapes (no occlusion, no shading, no rounding). "every point of every frame": all
vertices are followed without error, so that only the performance limits what is known: a shape that
is never seen apart from others stays unknown.

"""

PAGES = {"rig_limits": page}

if __name__ == "__main__":
    main()
