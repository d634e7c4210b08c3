"""How a performance is found: one solve for all knots, gradient steps, or a network of time.

python tests/benchmarks/rig_motion.py TAKE.csv ICT_FOLDER [--seeds 1 2 3]

After rig_synthetic.py (same arguments). Neutral, light and shapes are those of its fits of three
views; weights, pose and time offsets start over from the tracker's points, and each way has as
long as the Gauss-Newton passes take. Writes docs/results/rig_motion.{json,md}.
"""

from __future__ import annotations

import os
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from result_pages import RESULTS, only_rendered
from rig_limits import Known
from synthetic_recording import parser_of, recorded
from torch import Tensor, nn

from mien.clip import Clip
from mien_training.metrics.tables import results_page, write_results
from mien_training.rig.fit import fit_rig, moments_of
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.model.motion import Motion, MotionSpline
from mien_training.rig.photometric.gauss_newton_pass import gauss_newton_pass
from mien_training.templates import load_template

PASSES, BATCH, WARM_UP = 2, 6, 800
LANDMARKS = 0.3


class MotionNetwork(nn.Module):
    """The paper's regressor: an encoding of time, through one network, to all of a moment."""

    OCTAVES = 9

    def __init__(self, start_s: float, end_s: float, shapes: int, width: int = 256) -> None:
        super().__init__()
        self.start_s, self.span_s, self.shapes = start_s, end_s - start_s, shapes
        self.layers = nn.Sequential(
            nn.Linear(1 + 2 * self.OCTAVES, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, shapes + 6),
        )  # fmt: skip

    def forward(self, times_s: Tensor) -> Motion:
        x = (times_s.float()[:, None] - self.start_s) / self.span_s
        waves = [
            f(torch.pi * 2**k * x) for k in range(self.OCTAVES) for f in (torch.sin, torch.cos)
        ]
        out = self.layers(torch.cat([x, *waves], 1))
        pose = 0.1 * out[:, self.shapes :]
        return Motion(out[:, : self.shapes], pose[:, :3], pose[:, 3:])

    def follow(self, times_s: Tensor, target: Motion) -> None:
        """Learn known moments."""
        optimiser = torch.optim.Adam(self.parameters(), 1e-3)
        for _ in range(WARM_UP):
            found = self(times_s)
            loss = (found.weights - target.weights).square().mean()
            loss = loss + 100 * (found.rotation - target.rotation).square().mean()
            loss = loss + 1e4 * (found.translation - target.translation).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def descend(known: Known, rate: float, seconds: float, seed: int) -> int:
    """Gradient steps on motion and time offsets for so long; how many there were."""
    model, rng = known.model, np.random.default_rng(seed)
    time_offsets = model.time_offsets.others.requires_grad_(True)
    free = [
        {"params": list(model.motion.requires_grad_(True).parameters()), "lr": rate},
        {"params": [time_offsets], "lr": 3e-4},
    ]
    optimiser = torch.optim.Adam(free)
    with torch.no_grad():
        shapes = model.rig()
    begin, steps = time.perf_counter(), 0
    while (spent := time.perf_counter() - begin) < seconds:
        for group, full in zip(optimiser.param_groups, (rate, 3e-4), strict=True):
            group["lr"] = full * max(1 - spent / seconds, 0.05)
        frames = torch.from_numpy(rng.choice(len(known.recording.seen.camera), BATCH, False))
        explained = known.objective.explain(shapes, frames, LANDMARKS)
        optimiser.zero_grad()
        explained.loss.backward()
        optimiser.step()
        steps += 1
    return steps


def figures(known: Known) -> dict[str, Any]:
    rate = known.recording.footage.rate_hz
    found = (known.model.time_offsets.offsets_s.detach().numpy() * rate)[1:]
    true = [t.offset_s * rate for t in known.recording.footage.truth[1:]]
    whole = known.figures()
    return {
        "frames": whole["frames"],
        "weights": whole["weights"],
        "time_offsets": float(np.abs(found - true).mean()),
    }


def run_seed(template: Any, take: Clip, seed: int) -> dict[str, dict[str, Any]]:
    recording = recorded(template, take, 3, seed)
    seen = recording.seen
    _, times = moments_of(seen.camera, seen.times_s)
    config = RigFitConfig(whole_head=True, seed=seed, neutral_rounds=0, joint_rounds=0)
    start = fit_rig(template, seen, config).model.motion
    with torch.no_grad():
        target = start(times)

    def fresh() -> Known:
        known = Known(recording, seed, keep_shapes=True)
        rig = known.model.rig
        with torch.no_grad():
            known.model.time_offsets.others.zero_()
            rig.template_deltas.copy_(rig().deltas)  # what passes of the motion alone use
            rig.u_shapes.zero_()
        known.model.appearance.requires_grad_(False)
        known.model.motion.load_state_dict(start.state_dict())
        return known

    known, rows = fresh(), {}
    rows["tracker's points alone"] = {**figures(known), "steps": 0, "seconds": 0.0}
    begin = time.perf_counter()
    for _ in range(PASSES):
        gauss_newton_pass(known.objective, torch.arange(len(seen.camera)), False)
    seconds = time.perf_counter() - begin
    rows["spline, Gauss-Newton passes (mien)"] = {
        **figures(known),
        "steps": PASSES,
        "seconds": seconds,
    }
    for name, network, rate in (
        ("spline, gradient steps", False, 0.01),
        ("network of time, gradient steps", True, 3e-4),
    ):
        known = fresh()
        if network:
            spline: MotionSpline = known.model.motion
            span = (spline.start_s, float(times[-1]) + 0.1)
            moved = MotionNetwork(*span, len(template.shape_names))
            moved.fit_samples(times, target)
            known.model.motion = moved
        steps = descend(known, rate, seconds, seed)
        rows[name] = {**figures(known), "steps": steps, "seconds": seconds}
    return rows


def main() -> None:
    if only_rendered(PAGES):
        return
    options = parser_of(__doc__).parse_args()
    template, take = load_template(options.ict), Clip.read(options.take)
    results: dict[str, dict[str, Any]] = {}
    for seed in options.seeds:
        for name, row in run_seed(template, take, seed).items():
            results.setdefault(name, {})[str(seed)] = row
            print(seed, name, row, flush=True)
        command = f"python tests/benchmarks/rig_motion.py {options.take.name} ict_facekit/"
        write_results(RESULTS, "rig_motion", command, {"results": results}, page)


def page(record: dict[str, Any]) -> str:
    columns = ("frames", "weights", "time_offsets", "steps", "seconds")
    rows = [
        [name, *(float(np.mean([r[c] for r in runs.values()])) for c in columns)]
        for name, runs in record["results"].items()
    ]
    shown = ("motion", "frames", "weights", "offsets", "steps", "seconds")
    return results_page(HEAD, shown, rows, record["command"])


HEAD = f"""# How a performance is found

Three views of synthetic people (see [rig_synthetic](rig_synthetic.md)), their fitted neutral,
shapes and light; weights, pose and time offsets start over from the tracker's points. All ways see
the same images and have the time of {PASSES} Gauss-Newton passes, one thread. frames: mean error
over the face in all frames, mm; weights: correlation with the true ones; offsets: mean error of
the time offsets, frames. The network is first taught the points' motion, which is not counted.
Mean over seeds.
"""

PAGES = {"rig_motion": page}

if __name__ == "__main__":
    main()
