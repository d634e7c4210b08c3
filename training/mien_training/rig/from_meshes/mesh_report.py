"""The report of a rig from meshes: how near it is to them, and what to show again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien_training.footage.captured import CapturedMeshes
from mien_training.head import Template
from mien_training.reports.blendshape_sheet import blendshape_sheet
from mien_training.reports.charts import weight_charts
from mien_training.reports.head_stills import png_bytes
from mien_training.reports.html import cards, figure, page, section, table
from mien_training.rig.coverage.movements import Movements
from mien_training.rig.coverage.shape_coverage import ShapeCoverage, verdict_colours
from mien_training.rig.from_meshes.solve import MeshFit
from mien_training.rig.report.coverage_section import coverage_section
from mien_training.rig.report.error_map import draw_error
from mien_training.rig.report.write_report import compared_region

__all__ = ["MeshReport", "colour_top", "write_mesh_report"]

_MM = 1000.0
_WORST = 10
_STEPS_MM = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6, 2.0, 4.0)
"""Ends of the error's colours: quarters of them are round."""


@dataclass(frozen=True, eq=False)
class MeshReport:
    """What the report is about."""

    fit: MeshFit
    meshes: CapturedMeshes
    """The moments of the fit."""
    shapes: Sequence[ShapeCoverage]
    movements: Sequence[ShapeCoverage]
    left_out: int
    """Moments that the capture itself calls failed."""
    unseen_prompts: Sequence[str]
    """What the script asked for in them."""


def write_mesh_report(folder: Path, person: Template, report: MeshReport) -> Path:
    """Write `report.html` and `shapes.png` into an existing folder; the path of the first.

    person: the rig as delivered.
    """
    fit = report.fit
    region = compared_region(person)
    colours = verdict_colours(report.movements)
    shapes = Movements(person.shape_names).shapes
    dots = {name: colours[c.name] for c in report.movements for name in shapes[c.name]}
    sheet = png_bytes(blendshape_sheet(person, None, dots))
    skin = person.regions["skin"]
    typical = _MM * np.sqrt(np.square(fit.error_m, dtype=np.float64).mean(0))
    shown = np.where(skin, typical, np.nan)
    map_mm = draw_error(person, shown, top=colour_top(shown), unit="distance from the meshes, mm")
    body = [
        _summary(report, skin),
        section(
            "Where the rig is not what the meshes show",
            figure(png_bytes(map_mm), "distance on the face"),
            note="Root mean square over the moments of each vertex's distance from the captured "
            "one: errors of the capture, and what weighted shapes cannot show.",
        ),
        section(
            "Shapes",
            figure(sheet, "every shape at weight 1"),
            note="This person's rig with one shape at weight 1 each; mouthClose on top of jawOpen, "
            "which it corrects. The dot is the verdict below.",
        ),
        coverage_section(person, report.movements, report.shapes, region, "moments"),
        _failed_section(report),
        _worst_section(person, report, skin),
        section(
            "Weights",
            weight_charts(
                person.shape_names, fit.motion.weights.astype(np.float32),
                np.arange(len(report.meshes), dtype=np.float64),
                np.zeros(len(report.meshes), np.int64),
            ),
            note="Of every moment, in their order; all axes run from 0 to 1.",
        ),
    ]  # fmt: skip
    lead = (
        f"A blendshape rig fitted to the meshes of {len(report.meshes)} moments. Left and right "
        "are the person's own."
    )
    write_atomically(folder / "shapes.png", sheet)
    text = page(f"{person.name}: rig report", lead, [part for part in body if part])
    return write_atomically(folder / "report.html", text.encode())


def _summary(report: MeshReport, skin: NDArray[np.bool_]) -> str:
    error = _MM * report.fit.error_m[:, skin]
    verdicts = [c.verdict for c in report.movements]
    return cards(
        [
            (f"{len(report.meshes)}", "moments"),
            (f"{report.left_out}", "left out, for their capture failed"),
            (f"{np.median(error):.2f} mm", "between rig and meshes, median"),
            (f"{np.quantile(error, 0.95):.2f} mm", "in 19 of 20 places less than this"),
            (f"{verdicts.count('observed')} of {len(verdicts)}", "movements observed"),
            (f"{verdicts.count('partial')}", "partial: too little, or never alone"),
            (f"{verdicts.count('unobserved')}", "unobserved"),
        ]
    )


def _failed_section(report: MeshReport) -> str:
    if not report.unseen_prompts:
        return ""
    items = "".join(f"<li>{escape(prompt)}</li>" for prompt in report.unseen_prompts)
    return section(
        "What was asked for and not captured",
        f"<ul>{items}</ul>",
        note="These moments failed: film them again.",
    )


def _worst_section(person: Template, report: MeshReport, skin: NDArray[np.bool_]) -> str:
    error = _MM * report.fit.error_m[:, skin].mean(1)
    weights, meshes = report.fit.motion.weights, report.meshes
    rows = []
    for t in np.argsort(-error, kind="stable")[:_WORST]:
        top = np.argsort(-weights[t])[:3]
        words = ", ".join(
            f"{person.shape_names[k]} {weights[t, k]:.2f}" for k in top if weights[t, k] > 0.05
        )
        rows.append(
            (f"{meshes.frame[t]}", f"{meshes.time_s[t]:.2f}", f"{error[t]:.2f}", words or "neutral")
        )
    return section(
        "Moments that fit worst",
        table(("frame", "s", "mean distance, mm", "weights"), rows, range(3)),
        note="One that stands out is a capture that went wrong, or something that no shape shows.",
    )


def colour_top(error: NDArray[np.float64]) -> float:
    """Millimetres of the brightest colour, for (V,) errors; NaN is not compared."""
    most = float(np.nanquantile(error, 0.98))
    return next((step for step in _STEPS_MM if step >= most), _STEPS_MM[-1])
