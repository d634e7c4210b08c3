"""The page of capture_polish.py: gains by region, moments that got worse, hostile input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mien_training.metrics.tables import markdown_table

__all__ = ["MIDDLE", "SIZES", "STAGES", "page"]

SIZES = (1.3, 0.7, 0.35)
MIDDLE = 0.7
DARK = 85.0
"""Mean code of the skin in all pictures below which a person counts as dark."""
STAGES = ("before", "without gates", "with gates")

TEXT = """# A predicted mesh polished by the pictures of its moment

Held-out synthetic people and rigs of 8 cameras (long side {long_side} px, skin textures of
{texture} texels, noise, blur, gain, white balance and tone of each camera's own; hair, beards and
glasses as the factory draws them), {moments} moments. Start: the truth plus a smooth error of 3 to
11 cm wavelength in all directions; "error" is its median along the normal. Masks: the pixels that
show skin, as the factory knows them. Millimetres, over vertices that two cameras see or more:
median / mean / 95th percentile, mean over the moments. "without gates": all that the pictures ask
for; "with gates": what is kept. The polish moves vertices along normals: vertex errors across them
stay. Constants were chosen on some of the same moments' seeds."""


def cell(values: Sequence[Sequence[float]]) -> str:
    return " / ".join(f"{v:.2f}" for v in np.nanmean(np.array(values, float), 0))


def region_table(rows: list[dict[str, Any]]) -> str:
    """By size of error and region."""
    lines = []
    for size in SIZES:
        some = [r for r in rows if r["size"] == size and not r["tracker"]]
        for region in some[0]["errors"]["before"]:
            for kind in ("normal", "surface", "vertex") if region == "face" else ("normal",):
                values = [cell([r["errors"][k][region][kind] for r in some]) for k in STAGES]
                lines.append([str(size), region, kind, *values])
    return markdown_table(["error, mm", "region", "of", *STAGES], lines)


def worse_table(rows: list[dict[str, Any]]) -> str:
    """How many moments got worse, dark people apart."""
    lines = []
    for size in SIZES:
        for name, dark in (("light", False), ("dark", True)):
            some = [
                r for r in rows
                if r["size"] == size and not r["tracker"] and (r["code"] < DARK) == dark
            ]  # fmt: skip
            if not some:
                continue
            line: list[Any] = [str(size), name, len(some)]
            for kind, index in (("normal", 0), ("normal", 2), ("vertex", 0)):
                for stage in STAGES[1:]:
                    before, after = (
                        np.array([r["errors"][k]["face"][kind][index] for r in some])
                        for k in (STAGES[0], stage)
                    )
                    line.append(f"{int((after > before).sum())}")
            values = [cell([r["errors"][k]["face"]["normal"] for r in some]) for k in STAGES]
            kept = np.mean([r["kept"] for r in some])
            lines.append([*line, *values, f"{kept:.2f}"])
    columns = ["error, mm", "skin", "moments"]
    for what in ("median", "p95", "vertex median"):
        columns += [f"worse, {what}", "with gates"]
    return markdown_table([*columns, *STAGES, "kept"], lines)


def tracker_table(rows: list[dict[str, Any]]) -> str:
    lines = []
    for points in (False, True):
        some = [r for r in rows if r["size"] == MIDDLE and r["tracker"] == points]
        for region in ("lips", "lids"):
            values = [cell([r["errors"][k][region]["vertex"] for r in some]) for k in STAGES]
            lines.append(["with" if points else "without", region, *values])
    return markdown_table(["tracker", "region", *STAGES], lines)


def page(record: dict[str, Any]) -> str:
    rows = record["moments"]
    seconds = [r["seconds"] for r in rows]
    parts = [
        TEXT.format(
            long_side=record["long_side"], texture=record["texture"], moments=record["count"]
        ),
        region_table(rows),
        f"Processor time of a polish: median {np.median(seconds):.1f}, most {max(seconds):.1f} s.",
        f"""## Moments that got worse

Of the face: by the median and the 95th percentile of the error along the normal, and by the median
vertex error; first without, then with gates. Dark: a mean code of the skin below {DARK:.0f}.""",
        worse_table(rows),
        f"""## Lips and lids with the tracker's points

Vertex errors at an error of {MIDDLE} mm; the tracker sees these pictures.""",
        tracker_table(rows),
        f"""## Hostile input

Normal error of the face at a start {MIDDLE} mm off (the last at the truth).""",
        markdown_table(
            ["case", *STAGES, "kept", "cameras left out", "reason"],
            [
                [r["case"], *(cell([r["normal"][k]]) for k in STAGES), f"{r['kept']:.2f}",
                 ", ".join(map(str, r["left_out"])), r["reason"]]
                for r in record["hostile"]
            ],
        ),
    ]  # fmt: skip
    if record["scan"]:
        parts += [
            """## A real head

Renderings of a scan (Infinite, 3D Head Scan by Lee Perry-Smith, CC-BY 3.0) with noise and exposure
of their own; no masks. Start: the scan's registration plus errors. Distances of the face's vertices
to the scan's surface.""",
            markdown_table(
                ["views", "error, mm", *STAGES, "kept", "s"],
                [
                    [r["views"], str(r["size"]), *(cell([r["surface"][k]]) for k in STAGES),
                     f"{r['kept']:.2f}", f"{r['seconds']:.1f}"]
                    for r in record["scan"]
                ],
            ),
        ]  # fmt: skip
    return "\n\n".join([*parts, f"`{record['command']}`"]) + "\n"
