"""What the stages of a rig's fit cost, and how that grows with vertices, pixels and frames.

python tests/benchmarks/rig_time.py [--template NAME_OR_PATH ...]

Each template's own synthetic person is recorded; writes docs/results/rig_time.{json,md}. Run it on
an idle machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from result_pages import RESULTS, only_rendered

from mien.clip import Clip
from mien_training.anatomy.finish import finish_rig
from mien_training.footage.observations import CameraRecording, observe
from mien_training.metrics.tables import results_page, write_results
from mien_training.rig.fit import fit_rig
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.gauss_newton_pass import gauss_newton_pass
from mien_training.rig.photometric.objective import Objective
from mien_training.synthetic.person import SyntheticPerson, record_views
from mien_training.templates import load_template

SIZES, FRAMES, USUAL = (128, 256, 512), (30, 60, 120), 256
STEPS, BATCH = 6, 2


def performance(names: tuple[str, ...], seconds: float) -> Clip:
    """Every shape comes and goes at its own pace."""
    times = np.arange(int(60 * seconds) + 1) / 60
    pace = 2 + 5 * np.random.default_rng(0).random(len(names))
    values = 0.4 * (0.5 - 0.5 * np.cos(times[:, None] * pace)) ** 2
    return Clip(names=names, times_s=times, values=values.astype(np.float32))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    found = work()
    return time.perf_counter() - begin, found


def measure(person: SyntheticPerson, size: int, count: int) -> dict[str, float]:
    """Seconds of one camera's recording of `count` frames."""
    template = person.template
    clip = performance(template.shape_names, count / 30 + 0.1)
    footage = record_views(person, clip, 1, size=size, seed=1)
    whole = footage.views[0]
    first = CameraRecording(whole.images[:1], whole.times_s[:1], whole.camera, whole.masks[:1])
    view = CameraRecording(
        whole.images[:count], whole.times_s[:count], whole.camera, whole.masks[:count]
    )
    observe([first])  # the tracker is loaded
    track, seen = timed(lambda: observe([view]))
    count = len(seen.camera)
    config = RigFitConfig(whole_head=True, neutral_rounds=0, joint_rounds=0)
    points, fit = timed(lambda: fit_rig(template, seen, config))
    objective = Objective(template, seen, fit.model, config)
    frames = torch.arange(count)
    with torch.no_grad():
        deltas = fit.model.rig().deltas

    def steps() -> None:
        for step in range(STEPS + 1):
            if step == 1:
                nonlocal begin
                begin = time.perf_counter()
            part = (frames + step * BATCH)[:BATCH] % count
            shapes = Shapes(fit.model.rig.neutral(), deltas)
            (objective.explain(shapes, part, 1.0).loss + objective.plausible()).backward()

    begin = 0.0
    steps()
    gradient = (time.perf_counter() - begin) / (STEPS * BATCH)
    motion, _ = timed(lambda: gauss_newton_pass(objective, frames, False))
    both, _ = timed(lambda: gauss_newton_pass(objective, frames, True))
    rig = fit.model.rig.arrays()
    finish, _ = timed(lambda: finish_rig(template, *rig))
    return {
        "track, ms a frame": 1000 * track / count,
        "points, s": points,
        "gradient, ms an image": 1000 * gradient,
        "Gauss-Newton pass, ms a frame": 1000 * motion / count,
        "shapes, s a solve": both - motion,
        "finish, s": finish,
    }


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--template", nargs="*", default=["anny"])
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in options.template:
        template = load_template(name)
        person = SyntheticPerson.make(template, 1)
        runs = [(size, FRAMES[0]) for size in SIZES] + [(USUAL, count) for count in FRAMES[1:]]
        for size, count in runs:
            found = measure(person, size, count)
            head = {"template": template.name, "vertices": len(template.vertices)}
            rows.append({**head, "pixels": f"{size}²", "frames": count, **found})
            print(rows[-1], flush=True)
    command = "python tests/benchmarks/rig_time.py --template anny ict_facekit/"
    record = {"threads": torch.get_num_threads(), "rows": rows}
    write_results(RESULTS, "rig_time", command, record, page)


def page(record: dict[str, Any]) -> str:
    rows = record["rows"]
    cells = [list(row.values()) for row in rows]
    return results_page(HEAD, list(rows[0]), cells, record["command"])


HEAD = f"""# What a rig's fit costs

One camera's recording of a synthetic person; no GPU. A fit tracks every frame once and runs the
stage "points" once. Every round then takes 50 gradient steps of two moments each and a Gauss-Newton
pass over all frames (at most {RigFitConfig().pass_frames}); in the second half of the rounds it
also solves the shapes. At the end the rig is finished once.

"""

PAGES = {"rig_time": page}

if __name__ == "__main__":
    main()
