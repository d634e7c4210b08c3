"""How far captured heads are from the truth: people and rigs that no training has seen.

python tests/benchmarks/capture_accuracy.py [--net NET] [--ict FOLDER] [--moments 16]
    [--seeds 1 2 3] [--only CASE ...]

Every moment's figures are kept in runs/capture_accuracy, by net; what is there is not measured
again. Writes docs/results/capture_accuracy.json and .md; --render writes the page anew.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from capture_rows import Stages, heads_of, judged, mean_figures
from result_pages import RESULTS, only_rendered

from mien.atomic import write_atomically
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.default_net import DEFAULT_NET
from mien_training.head import Template
from mien_training.metrics.tables import markdown_table, write_results
from mien_training.synthetic.capture.moments import draw_moment
from mien_training.synthetic.capture.occluders import WearSpec
from mien_training.synthetic.capture.people import PeopleSpec
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.spec import CaptureSpec
from mien_training.templates import load_template

KEPT = Path("runs/capture_accuracy")
SIDE = 256
STRANGERS = CaptureSpec(rig=RigSpec(long_side=SIDE)).held_out()
BARE = WearSpec(strands=0, cap=0, cloth_cap=0, beard=0, glasses=0)
CASES = {
    "anny": STRANGERS,
    "ICT": STRANGERS,
    **{f"{n} views": replace(STRANGERS, rig=RigSpec(views=(n, n), long_side=SIDE))
       for n in (2, 3, 4, 8, 16)},
    "large pictures": replace(
        STRANGERS, rig=RigSpec(views=(8, 8), long_side=720), person=PeopleSpec(texture_side=1024)
    ),
    "no hair": replace(STRANGERS, wear=BARE),
    "people of the basis": replace(STRANGERS, person=PeopleSpec(off_basis_m=0.0)),
    **{f"cameras off by {px} px": replace(STRANGERS, calibration_px=px) for px in (0.5, 1.0, 2.0)},
}  # fmt: skip
PARTS = ("face", "face seen", "lips", "lids", "ears", "scalp", "scalp hidden", "neck")


def measure(
    net: CaptureNet, case: str, theirs: Template, seed: int, moments: int, tracker: bool
) -> None:
    """Figures of every row for moments that are not kept yet."""
    for n in range(moments):
        path = KEPT / net.digest[:12] / case / f"{seed}_{n}.json"
        if path.exists():
            continue
        moment = draw_moment(CASES[case], theirs, 1000 * seed + n)
        begun = time.process_time()
        stages = Stages(tracker=tracker, polish=case == "large pictures")
        heads = heads_of(net, moment, stages)
        record = {
            "views": len(moment.cameras), "cpu_s": time.process_time() - begun,
            "rows": {name: judged(v, net.template, moment, theirs) for name, v in heads.items()},
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(record).encode())
        refined = record["rows"].get("refined", {}).get("face")
        print(case, seed, n, record["views"], refined or "no head found", flush=True)


def gathered(net: CaptureNet, seeds: Sequence[int]) -> dict[str, Any]:
    """Case -> row -> part -> mean figures, and how many heads were not found."""
    found: dict[str, Any] = {}
    for case in CASES:
        folder = KEPT / net.digest[:12] / case
        records = [
            json.loads(path.read_text())
            for path in sorted(folder.glob("*.json"))
            if int(path.stem.split("_")[0]) in seeds
        ]
        if not records:
            continue
        rows: dict[str, Any] = {}
        for name in records[0]["rows"] | max(records, key=lambda r: len(r["rows"]))["rows"]:
            there = [r["rows"][name] for r in records if name in r["rows"]]
            rows[name] = {
                part: mean_figures(there, part) for part in PARTS if any(part in r for r in there)
            }
        lost = sum("refined" not in r["rows"] for r in records)
        found[case] = {"moments": len(records), "lost": lost, "rows": rows}
    return found


def page(record: dict[str, Any]) -> str:
    cases = record["cases"]
    blocks = [
        "# Accuracy of captured heads",
        "How far captured heads are from the truth, of people and rigs that no training has seen, "
        "hair, glasses and clothes included; millimetres. From the true vertices to the surface "
        "that was found: mean over moments of the median, mean and 95th percentile; the 95th "
        "percentile and the worst of all moments' medians; mean distance of corresponding "
        "vertices. People of the basis have no shape beyond those that the template is made of, as "
        "linear models have.",
    ]
    for case in ("anny", "ICT"):
        if case in cases:
            blocks.append(f"**{case}: {_counted(cases[case])}**\n\n{_main(cases[case]['rows'])}")
    others = [case for case in cases if case not in ("anny", "ICT")]
    if others:
        blocks.append(_by_case({case: cases[case] for case in ("anny", *others)}))
    return "\n\n".join([*blocks, f"`{record['command']}`"]) + "\n"


def _main(rows: dict[str, Any]) -> str:
    columns = ("row", "face", "mean", "p95", "p95 of moments", "worst", "vertices", "face seen",
               "lips", "lids", "ears", "scalp", "neck")  # fmt: skip
    table = []
    for name, parts in rows.items():
        face = parts["face"]
        table.append([
            name, *(_mm(face.get(k)) for k in ("median", "mean", "p95", "p95 of moments",
                                                "worst moment", "vertex")),
            *(_mm(parts.get(p, {}).get("median")) for p in
              ("face seen", "lips", "lids", "ears", "scalp", "neck")),
        ])  # fmt: skip
    return markdown_table(columns, table)


def _by_case(cases: dict[str, Any]) -> str:
    columns = ("case", "moments", "not found", "mean head", "3DMM on maps", "refined", "vertices",
               "polished")  # fmt: skip
    table = []
    for case, found in cases.items():
        rows = found["rows"]

        def face(name: str, figure: str = "median", rows: Any = rows) -> str:
            return _mm(rows.get(name, {}).get("face", {}).get(figure))

        table.append([
            case, found["moments"], found["lost"], face("mean head, found pose"),
            face("3DMM on maps"), face("refined"), face("refined", "vertex"),
            face("polished"),
        ])  # fmt: skip
    return "**Face, by case**\n\n" + markdown_table(columns, table)


def _counted(case: dict[str, Any]) -> str:
    return f"{case['moments']} moments, {case['lost']} of them without a head found"


def _mm(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


PAGES = {"capture_accuracy": page}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", type=Path, default=DEFAULT_NET)
    parser.add_argument("--ict", type=Path)
    parser.add_argument("--moments", type=int, default=16)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    options = parser.parse_args()
    torch.set_num_threads(1)
    template = load_template("anny")
    net = CaptureNet.read(options.net, template)
    for case in options.only:
        if case == "ICT" and options.ict is None:
            continue
        theirs = load_template(str(options.ict)) if case == "ICT" else template
        for seed in options.seeds:
            measure(net, case, theirs, seed, options.moments, case == "anny")
    record = {"net": net.digest, "net_bytes": options.net.stat().st_size, "seeds": options.seeds,
              "cases": gathered(net, options.seeds)}  # fmt: skip
    command = "python tests/benchmarks/capture_accuracy.py --ict FOLDER"
    command += f" --moments {options.moments}"
    write_results(RESULTS, "capture_accuracy", command, record, page)


if __name__ == "__main__" and not only_rendered(PAGES):
    main()
