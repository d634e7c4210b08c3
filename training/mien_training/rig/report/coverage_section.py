"""The report's part on what the footage showed, and what to shoot again."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from mien_training.head import Template
from mien_training.reports.blendshape_sheet import blendshape_sheet
from mien_training.reports.head_stills import png_bytes
from mien_training.reports.html import figure, section, table
from mien_training.rig.coverage.movements import Movements
from mien_training.rig.coverage.reshoot import request_poses, what_to_reshoot
from mien_training.rig.coverage.shape_coverage import ShapeCoverage

__all__ = ["coverage_section"]

_SHORTAGES = {
    "": "",
    "hidden": "no camera sees what it moves",
    "strength": "never strong enough",
    "duration": "too short",
    "separation": "never by itself",
}


def coverage_section(
    person: Template,
    movements: Sequence[ShapeCoverage],
    shapes: Sequence[ShapeCoverage],
    region: NDArray[np.bool_],
    unit: str = "s",
) -> str:
    """movements, shapes: coverage of `Movements` and of the single shapes; region (V,): what the
    fit compared; unit: what the coverage's duration counts."""
    extent = Movements(person.shape_names).extent_mm(person.shape_deltas, region)
    requests = what_to_reshoot(movements, extent)
    again = "<p>Nothing is missing that would change this rig.</p>"
    if requests:
        items = "".join(f"<li>{escape(r.sentence)}</li>" for r in requests)
        sheet = blendshape_sheet(request_poses(person, requests), columns=6, side=150)
        again = (
            f"<h3>What to shoot again</h3><p>What would change this rig most comes first.</p><ol>"
            f"{items}</ol>{figure(png_bytes(sheet), 'what is asked for, by number')}"
        )
    head = ("verdict", "peak", f"{unit} above 0.3", "own, %", "own frames", "evidence, %", "why")
    return section(
        "What the footage showed",
        again,
        table(("movement", *head), _rows(movements), numbers=range(2, 7), marked=1),
        "<h3>Shape by shape</h3>",
        table(("shape", *head), _rows(shapes), numbers=range(2, 7), marked=1),
        note="A movement is what one action shows: a smile is two shapes. own: share of its motion "
        "that no other at the same place explains; own frames: as much evidence as that many "
        "frames of it alone at full strength; evidence: how surely the footage tells it. What it "
        "tells little of stays near the template's motion, and what was never shown keeps it.",
    )


def _rows(coverage: Sequence[ShapeCoverage]) -> list[tuple[str, ...]]:
    return [
        (
            c.name, c.verdict, f"{c.peak:.2f}", f"{c.active_s:.2f}", f"{100 * c.separability:.0f}",
            f"{c.own_frames:.1f}", f"{100 * c.evidence_weight:.0f}",
            _SHORTAGES[c.shortage] + (f": {c.partner}" if c.partner else ""),
        )
        for c in coverage
    ]  # fmt: skip
