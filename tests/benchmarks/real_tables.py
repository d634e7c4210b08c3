"""Tables of rig_real.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mien_training.metrics.tables import markdown_table

__all__ = ["page"]

WORST = 5
"""Pairs of frames that are named, of each fit."""

TEXT = """# A rig on footage of real people

What `mien train rig` makes of clips that were filmed for other ends, in full and with `--quick`.
Nobody knows the true face in them, so this page asks the footage.

points: mean distance between the tracker's points and the rig's in a frame, pixels of a face
image of 256 x 256. colours: mean absolute difference between fitted and filmed colour on the face
in a frame, of 255. named: frames of which the report warns. A fit is one process on one thread;
memory: the most it held; GLB: the character's file, most of a package."""

FLOW = """## What optical flow says

A second opinion that no step of a fit has used: dense optical flow between consecutive frames
(OpenCV's DIS, Kroeger et al. 2016). Where does it see each point of the skin go, and how far from
there does the fitted rig take it? Median and 95th percentile over pixels of the face that are seen
in both frames, have texture, and whose flow leads back to where it began; pixels of the 256 x 256
image, in every frame for both modes. Beside it: the head's rigid motion alone, with the weights
held still; the tracker's points, linear between them; no motion at all. moved: rig or rigid head
moved as a whole by what it misses in the median of a pair of frames; what is left is no error of
the head's place. fast: the quarter of the pairs in which the face moves most. Where a hand covers
the face, flow sees the hand."""

PAIRS = f"""## Where flow and rig differ most

The {WORST} pairs of frames of each clip whose median is largest, full fits."""

NAMED = """## Frames that the report names"""


def page(record: dict[str, Any]) -> str:
    rows = list(_fits(record["results"]))
    seconds = list(dict.fromkeys(s for _, _, row in rows for s in row["seconds"]))
    stages = [s for s in seconds if s not in ("track", "finish")]
    parts = [
        TEXT,
        markdown_table(
            [
                "clip", "fit", "frames", "points, median", "p95", "worst", "colours, median", "p95",
                "worst", "lost", "named", "seconds", "memory, MB", "GLB, MB",
            ],
            [
                [
                    clip, fit, row["frames"], *_spread(row["points_px"]),
                    *_spread(row["colours_255"]), row["lost"], sum(row["named"].values()),
                    round(sum(row["seconds"].values())), round(row["peak_mb"]), row["glb_mb"],
                ]
                for clip, fit, row in rows
            ],
        ),
        "Seconds of the stages:",
        markdown_table(
            ["clip", "fit", "track", *stages, "finish"],
            [
                [clip, fit, *(row["seconds"].get(s) for s in ("track", *stages, "finish"))]
                for clip, fit, row in rows
            ],
        ),
        FLOW,
        markdown_table(
            [
                "clip", "fit", "part", "pixels a pair", "rig", "p95", "rigid", "p95", "tracker",
                "p95", "none", "p95", "rig, moved", "rigid, moved",
            ],
            [line for clip, fit, row in rows for line in _flow_lines(clip, fit, row["flow"])],
        ),
        PAIRS,
        markdown_table(
            ["clip", "frames", "s", "rig", "p95", "rigid", "tracker", "none", "worst part"],
            [line for clip, fit, row in rows if fit == "full" for line in _worst(clip, row)],
        ),
        NAMED,
        markdown_table(
            ["clip", "fit", "frames", "what"],
            [[clip, fit, n, why] for clip, fit, row in rows for why, n in row["named"].items()],
        ),
        f"`{record['command']}`",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _fits(results: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for clip, fits in results.items():
        for fit in ("full", "quick"):
            if fit in fits:
                yield clip, fit, fits[fit]


def _spread(values: dict[str, float]) -> list[float]:
    return [values["median"], values["p95"], values["worst"]]


def _flow_lines(clip: str, fit: str, flow: dict[str, Any]) -> Iterator[list[Any]]:
    """The face, the face where it moves fast, and parts."""
    count = len(flow["pairs"])
    parts = flow["parts"]
    fast = max(1, count // 4)
    chosen = [("face", parts, count), ("face, fast", flow["fast"], fast)]
    chosen += [(name, parts, count) for name in parts if name != "face"]
    for name, found, pairs in chosen:
        figures = found.get(name.partition(",")[0])
        if figures is None:
            continue
        spreads = (figures[m] for m in ("rig", "rigid", "tracker", "none"))
        pixels = round(figures["pixels"] / pairs)
        yield [
            clip, fit, name, pixels, *(value for spread in spreads for value in spread),
            *(figures.get(f"{m}, moved", [None])[0] for m in ("rig", "rigid")),
        ]  # fmt: skip


def _worst(clip: str, row: dict[str, Any]) -> Iterator[list[Any]]:
    pairs = [p for p in row["flow"]["pairs"] if "rig" in p]
    for pair in sorted(pairs, key=lambda p: -p["rig"][0])[:WORST]:
        parts = pair["parts"]
        part = max(parts, key=lambda k: parts[k], default=None)
        yield [
            clip, f"{pair['frames'][0]}, {pair['frames'][1]}", pair["time_s"], *pair["rig"],
            pair["rigid"][0], pair["tracker"][0], pair["none"][0],
            part and f"{part} {parts[part]:.2f}",
        ]  # fmt: skip
