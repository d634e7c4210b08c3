"""The tables of `rig_synthetic.py`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from result_pages import RESULTS

from mien_training.metrics.tables import results_page, write_results

__all__ = ["PAGES", "Results", "write_tables"]

Results = dict[str, dict[str, dict[str, Any]]]
"""Figures by fit and seed."""

WHOLE = ("three views", "one view", "three views, from anny")
"""Fits with nothing left out."""


def write_tables(results: Results, command: str, shape_names: Sequence[str]) -> None:
    """Three pages, of which one record holds all figures."""
    record = {"threads": "one a fit", "shape_names": list(shape_names), "results": results}
    write_results(RESULTS, "rig_synthetic", command, record, page)
    if ablations := ablation_rows(results):
        path, new = RESULTS / "rig_ablations.json", {row[0] for row in ablations}
        kept = json.loads(path.read_text())["rows"] if path.exists() else []
        rows = [row for row in kept if row[0] not in new] + ablations
        write_results(RESULTS, "rig_ablations", command, {"rows": rows}, ablations_page)
    if coverage := coverage_rows(results):
        write_results(RESULTS, "rig_coverage", command, {"rows": coverage}, coverage_page)


def page(record: dict[str, Any]) -> str:
    """Whole fits, and the stand-ins beside them."""
    results, rows = record["results"], []
    for name in (n for n in results if n in WHOLE):
        runs = list(results[name].values())
        rows.append(table_row(name, runs))
        for stand_in in ("delivered", "(i)", "(ii)", "mean face", "truth"):
            if all(stand_in in r for r in runs):
                rows.append(table_row(f"{name}: {stand_in}", [r[stand_in] for r in runs]))
    return results_page(HEAD, ["fit", "seeds", *COLUMNS], rows, record["command"])


def ablations_page(record: dict[str, Any]) -> str:
    """What every part is worth."""
    columns = ["fit", "seeds", "measured", *COLUMNS]
    names = {row[0] for row in record["rows"]}
    told = [text for name, text in ONE_VIEW.items() if name in names]
    return results_page("\n".join([ABLATED, *told]), columns, record["rows"], record["command"])


def coverage_page(record: dict[str, Any]) -> str:
    """What the verdicts on shapes are worth."""
    return results_page(COVERAGE, COVERAGE_COLUMNS, record["rows"], record["command"])


PAGES = {"rig_synthetic": page, "rig_ablations": ablations_page, "rig_coverage": coverage_page}


def ablation_rows(results: Results) -> list[list[str]]:
    """The fit without a part, beside the whole fit of the same seeds."""
    rows = []
    for name in (n for n in results if n not in WHOLE):
        whole = results.get("one view" if name.startswith("one view") else "three views", {})
        seeds = [seed for seed in results[name] if seed in whole]
        pairs = zip(
            table_row(name, [results[name][seed] for seed in seeds])[2:],
            table_row(name, [whole[seed] for seed in seeds])[2:],
            strict=True,
        )
        cells = ["" if a is None else f"{a:.3g} ({b:.3g})" for a, b in pairs]
        rows.append([name, " ".join(seeds), date.today().isoformat(), *cells])
    return rows


def coverage_rows(results: Results) -> list[list[Any]]:
    """Mean errors of shapes by verdict: as fitted, and of what could stand in their place."""
    rows: list[list[Any]] = []
    for name in ("three views", "one view"):
        runs = [run for run in results.get(name, {}).values() if "half" in run]
        if not runs:
            continue
        verdicts = np.concatenate([run["delivered"]["verdicts"] for run in runs])
        errors = [
            np.concatenate([part["per shape"] for part in parts])
            for parts in zip(*((r, r["half"], r["(i)"], r["(ii)"]) for r in runs), strict=True)
        ]
        for verdict in ("observed", "partial", "unobserved"):
            chosen = verdicts == verdict
            if chosen.any():
                count = float(chosen.sum()) / len(runs)
                rows.append([name, verdict, count, *(float(e[chosen].mean()) for e in errors)])
    return rows


COVERAGE_COLUMNS = ("recording", "verdict", "shapes", "fitted", "half", "(i)", "(ii)")


def _mean(key: str, scale: float = 1.0) -> Any:
    return lambda r: scale * np.nanmean(np.array(r[key], float)) if key in r else None


COLUMNS = {
    "neutral, median": lambda r: r.get("neutral median", r.get("surface median")),
    "p90": lambda r: r.get("neutral p90", r.get("surface p90")),
    "frames": lambda r: r.get("frames"),
    "weights": lambda r: r.get("weights"),
    "per shape": _mean("per shape"),
    "in the face": _mean("per shape face"),
    "scaled": _mean("per shape scaled"),
    "cosine": _mean("cosine"),
    "outside, %": _mean("outside", 100),
    "crossings": lambda r: r.get("crossings"),
    "lids in eyes": lambda r: r.get("lid penetration"),
    "photometric": lambda r: r.get("held out photometric"),
    "offset error, frames": lambda r: (
        np.abs(np.subtract(r["offsets"], r["offsets truth"]))[1:].mean()
        if len(r.get("offsets", ())) > 1
        else None
    ),
    "seconds": lambda r: r.get("seconds"),
}
COVERAGE = """# What the report's verdicts are worth

The synthetic people of [rig_synthetic](rig_synthetic.md): shapes by what coverage says of them,
and their mean errors in mm (as there) as fitted; half fitted, half of deformation transfer; (i) of
the template; (ii) of deformation transfer. `mien train rig` delivers fitted shapes, and in place of
those that were never shown (i).
"""
ABLATED = """# What every part of the fit is worth

The synthetic people of [rig_synthetic](rig_synthetic.md) from three views, fitted without one part
(in brackets: the whole fit of the same seeds, on the same day, by the same version of the code);
columns as there. template's shapes kept: only
the neutral is the person's. no semantic terms: shapes may move far from the template's and weights
are free. neutral as split: what shapes show all the time is not given to the neutral. time
offsets frozen: all cameras are taken to have started at once. no interior edges: differential
coordinates on the surface alone, without connections through the head. raw vertices: no
differential coordinates. antialiasing per triangle: outlines smoothed by the usual scheme.
"""
ONE_VIEW = {
    "one view, shading left out": "shading left out: the performance is solved from how the "
    "surface moves alone, not from how it turns.\n",
    "one view, texture believed": "texture believed: the texture is not free to follow while the "
    "performance is solved.\n",
}
"""Told of where there are such rows."""
HEAD = """# A rig from recordings of a synthetic person

A person the template has never seen (an identity sample with a smooth displacement of 1 mm that its
identities cannot express, and shapes changed by smooth seeded fields) performs parts of a real
take, recorded at 30 Hz by one camera or by three unsynchronised ones. Errors in mm after a rigid
alignment (one view: a similarity, since one camera cannot tell a small head from a far one).

neutral: vertices of the face region (from anny: point to surface). frames: mean over the face in
every fifth frame, head pose apart. weights: mean correlation with the true ones. per shape: mean
over the skin that truly moves, at weight 1; in the face: of that, the face region; scaled: first
scaled by the best factor, for no image tells a large shape from a large weight. outside: energy
of shapes outside the template's support. crossings: pairs of triangles that cut each other, a pose,
less those of the template. lids in eyes: deepest, eyes closed, mm. delivered: after coverage and
the finishing step, as `mien train rig` leaves it. (i) the template's shapes on the fitted neutral;
(ii) deformation transfer of them. Mean over seeds.
seconds: one thread, beside other work on two cores. Parts left out:
[rig_ablations](rig_ablations.md).

"""


def table_row(name: str, runs: list[dict[str, Any]]) -> list[Any]:
    cells: list[Any] = []
    for pick in COLUMNS.values():
        values = [v for v in (pick(r) for r in runs) if v is not None]
        cells.append(float(np.mean(values)) if values else None)
    return [name, len(runs), *cells]
