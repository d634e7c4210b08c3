"""How well confidence says which vertices are right: fitted on some people, judged on others.

python tests/benchmarks/capture_trust.py [--net NET] [--moments 48] [--data FOLDER]

Moments of people and rigs that no training has seen, or those of a data set (`generate_captures`),
through the whole capture. Prints the numbers of TrustModel; writes docs/results/capture_trust.json
and .md; --render writes the page anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from result_pages import RESULTS, only_rendered
from scipy.stats import spearmanr

from mien.errors import InputError
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.default_net import DEFAULT_NET
from mien_training.capture.predict_moment import NetPredictor
from mien_training.capture.skin_regions import skin_regions
from mien_training.capture.trust.trust_model import DOUBTS, TrustModel, fit_trust
from mien_training.capture.trust.vertex_trust import vertex_doubts
from mien_training.metrics.tables import results_page, write_results
from mien_training.synthetic.capture import CaptureSpec, draw_moment
from mien_training.synthetic.capture.dataset.read import CaptureReader
from mien_training.synthetic.capture.moments import CaptureMoment
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.templates import load_template

SIDE, WRONG_PX = 256, (0.0, 0.5, 0.0, 1.5)
WITHIN_M = TrustModel().within_m
BINS = ((0.0, 0.1), (0.1, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0))


def moments(net: CaptureNet, count: int, data: Path | None) -> Iterator[CaptureMoment]:
    if data is not None:
        yield from islice(iter(CaptureReader(data)), count)
        return
    spec = CaptureSpec(rig=RigSpec(long_side=SIDE), samples=1).held_out()
    for seed in range(count):
        # Two of four before cameras that are where the calibration has them, in either half.
        wrong = replace(spec, calibration_px=WRONG_PX[seed // 2 % len(WRONG_PX)])
        yield draw_moment(wrong, net.template, seed)


def judged(moment: CaptureMoment, predictor: NetPredictor) -> dict[str, Any]:
    """Doubts (V, 7) and errors (V,) of one moment."""
    head = predictor.placed(list(moment.images), moment.believed, None)
    told = predictor.evidence(head)
    error = np.linalg.norm(head.vertices.astype(np.float64) - moment.vertices, axis=1)
    return {
        "doubts": vertex_doubts(told.views, told.residual_m, told.deviation_m), "error": error
    }  # fmt: skip


def measure(net: CaptureNet, count: int, data: Path | None) -> dict[str, Any]:
    template, predictor = net.template, NetPredictor(net)
    regions = skin_regions(template)
    skin = template.regions["skin"]
    found = []
    for seed, moment in enumerate(moments(net, count, data)):
        try:
            found.append(judged(moment, predictor))
        except InputError as reason:
            print(seed, reason, flush=True)
            continue
        print(seed, f"{1e3 * np.median(found[-1]['error'][skin]):.2f} mm", flush=True)
    first, second = found[::2], found[1::2]
    fitted = fit_trust(joined(first, "doubts", skin), joined(first, "error", skin), WITHIN_M)
    doubts, errors = joined(second, "doubts", skin), joined(second, "error", skin)
    confidence, spread = fitted.confidence(doubts), fitted.spread_m(doubts)
    bins = []
    for low, high in BINS:
        inside = (confidence >= low) & (confidence < high + (high == 1))
        bins.append({
            "from": low, "to": high, "share": float(inside.mean()),
            "said": float(confidence[inside].mean()) if inside.any() else None,
            "within": float((errors[inside] < WITHIN_M).mean()) if inside.any() else None,
            "spread_mm": 1e3 * float(spread[inside].mean()) if inside.any() else None,
            "error_mm": 1e3 * float(errors[inside].mean()) if inside.any() else None,
        })  # fmt: skip
    by_region = {}
    for name, members in regions.items():
        own, off = joined(second, "doubts", members), joined(second, "error", members)
        by_region[name] = {
            "said": float(fitted.confidence(own).mean()),
            "within": float((off < WITHIN_M).mean()),
            "spread_mm": 1e3 * float(fitted.spread_m(own).mean()),
            "error_mm": 1e3 * float(off.mean()),
        }
    return {
        "moments": len(found), "data": None if data is None else data.name, "model": asdict(fitted),
        "bins": bins, "regions": by_region,
        "rank": float(spearmanr(confidence, -errors).statistic),
    }  # fmt: skip


def joined(found: list[dict[str, Any]], name: str, members: NDArray[np.bool_]) -> NDArray[Any]:
    return np.concatenate([one[name][members] for one in found])


def page(record: dict[str, Any]) -> str:
    model = record["model"]
    told = ", ".join(
        f"{name} {slope:.2f}" for name, slope in zip(DOUBTS, model["slopes"], strict=True)
    )
    source = f"of the data set {record['data']!r}" if record["data"] else "of strangers"
    text = f"""# How far confidence is to be believed

{record["moments"]} moments {source}, with hair, glasses and beards, before cameras half of which
are where the calibration has them, the others off by half a pixel or one and a half, through the
networks that come with mien, not polished. Confidence is the
probability of an error below {1e3 * WITHIN_M:.0f} mm. The model was fitted to every other moment,
no person in two of them, and is judged on the rest: all vertices of the skin. Found: level
{model["level"]:.2f}, scatter {model["scatter"]:.2f}, slopes {told}. Rank correlation of confidence
and smallness of the error: {record["rank"]:.2f}."""
    cells = []
    for one in record["bins"]:
        name = f"confidence {one['from']:g} to {one['to']:g}"
        cells.append([name, 100 * one["share"], *percent(one)])
    for name, one in record["regions"].items():
        cells.append([name, None, *percent(one)])
    columns = ["vertices", "share, %", "said to be within, %", "are within, %",
               "spread said, mm", "error, mm"]  # fmt: skip
    return results_page(text, columns, cells, record["command"])


def percent(one: dict[str, Any]) -> list[float | None]:
    shares = [None if one[k] is None else 100 * one[k] for k in ("said", "within")]
    return [*shares, one["spread_mm"], one["error_mm"]]


PAGES = {"capture_trust": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", type=Path, default=DEFAULT_NET)
    parser.add_argument("--moments", type=int, default=48)
    parser.add_argument("--data", type=Path, default=None)
    options = parser.parse_args()
    command = f"python tests/benchmarks/capture_trust.py --moments {options.moments}"
    if options.data is not None:
        command += f" --data {options.data.name}"
    torch.set_num_threads(1)
    net = CaptureNet.read(options.net, load_template("anny"))
    record = measure(net, options.moments, options.data)
    print(record["model"])
    write_results(RESULTS, "capture_trust", command, record, page)


if __name__ == "__main__":
    main()
