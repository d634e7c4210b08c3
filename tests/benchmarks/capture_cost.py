"""What a captured moment costs: seconds of one core by stage, and memory, by number of views.

python tests/benchmarks/capture_cost.py [--net NET] [--repeats 5] [--ict FOLDER]

FOLDER: ICT-FaceKit's OBJ files, for the cost of a larger template.
Writes docs/results/capture_cost.json and .md; --render writes the page anew.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import torch
from result_pages import RESULTS, only_rendered

from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.correspondence.correspondence_net import CHANNELS, CorrespondenceNet
from mien_training.capture.default_net import DEFAULT_NET
from mien_training.capture.morphable import sampled_heads
from mien_training.capture.predict_moment import NetPredictor
from mien_training.capture.refinement.linear_step import LinearStep, LinearStepConfig
from mien_training.head import Template
from mien_training.metrics.tables import results_page, write_results
from mien_training.synthetic.capture.moments import draw_moment
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.spec import CaptureSpec
from mien_training.templates import load_template

VIEWS = (2, 4, 8, 16)
STAGES = ("fit", "pictures", "refinement", "trust")
COLUMNS = ("views", *STAGES, "together", "memory, MB")
TEXT = """
# What a captured moment costs

Processor seconds of one core for one moment of a synthetic head before 2 to 16 cameras (pictures of
256 pixels, networks that come with mien, template anny), by stage, median of repeats; and the
memory that a process has taken at its highest after them, program and networks included. Fit:
the tracker, one reading of all views and the fits of pose and shape. Pictures: the first mesh is
moved until they agree. Below, the template ICT with networks that have learnt nothing: they take as
long.
"""


def timed(net: CaptureNet, views: int, repeats: int) -> dict[str, float]:
    spec = CaptureSpec(rig=RigSpec(views=(views, views), long_side=256)).held_out()
    moment = draw_moment(spec, net.template, 3)
    predictor = NetPredictor(net)
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(repeats + 1):
        begun, wall = time.process_time(), time.perf_counter()
        result = predictor.predict(list(moment.images), moment.cameras, None)
        cpu, wall = time.process_time() - begun, time.perf_counter() - wall
        for stage in STAGES:
            # Clocks of the wall also run while others work.
            found[stage].append(result.seconds[stage] * cpu / wall)
        found["together"].append(cpu)
    return {stage: median(values[1:]) for stage, values in found.items()}


def unlearnt(template: Template) -> CaptureNet:
    """Of the size of the net that ships; all pixels count, as those of a net that is sure do."""
    correspondence = CorrespondenceNet()
    first, (doubt, _) = CHANNELS["skin"][0], CHANNELS["doubt"]
    with torch.no_grad():
        assert correspondence.unet.last.bias is not None
        correspondence.unet.last.bias[[first, doubt]] = torch.tensor([8.0, -8.0])
    heads = sampled_heads(template, range(60), 40)
    linear = LinearStep(template, LinearStepConfig())
    return CaptureNet(template, heads, correspondence.eval(), linear)


def peak_mb(net: Path, views: int) -> float:
    """Of a process of its own."""
    command = [sys.executable, __file__, "--net", str(net), "--one", str(views)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def page(record: dict[str, Any]) -> str:
    rows = [
        [
            count, *(f"{case[name]:.2f}" for name in (*STAGES, "together")),
            f"{case['mb']:.0f}" if "mb" in case else "",
        ]
        for count, case in record["views"].items()
    ]  # fmt: skip
    return results_page(TEXT, COLUMNS, rows, record["command"])


PAGES = {"capture_cost": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", type=Path, default=DEFAULT_NET)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--ict", type=Path)
    parser.add_argument("--one", type=int)
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = CaptureNet.read(options.net, load_template("anny"))
    if options.one:
        timed(net, options.one, 1)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    found = {}
    for views in VIEWS:
        found[str(views)] = timed(net, views, options.repeats) | {"mb": peak_mb(options.net, views)}
        print(views, found[str(views)], flush=True)
    if options.ict is not None:
        larger = load_template(f"ict:{options.ict}")
        name = f"8, ICT ({len(larger.vertices):,} vertices; anny {len(net.template.vertices):,})"
        found[name] = timed(unlearnt(larger), 8, options.repeats)
        print(name, found[name], flush=True)
    record = {"net": net.digest, "repeats": options.repeats, "views": found}
    command = "python tests/benchmarks/capture_cost.py --ict FOLDER"
    write_results(RESULTS, "capture_cost", command, record, page)


if __name__ == "__main__":
    main()
