"""Curves and tables of a capture's report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mien_training.capture.report.telling_moments import mean_confidence
from mien_training.footage.captured import CameraResiduals, CapturedMeshes
from mien_training.head import Template
from mien_training.reports.charts import line_chart
from mien_training.reports.head_stills import png_bytes
from mien_training.reports.html import figure, section, table
from mien_training.reports.vertex_map import draw_vertex_map, head_camera

__all__ = [
    "cameras_section", "failures_section", "mean_offsets", "time_section", "trust_section",
]  # fmt: skip

_YAWS = (-1.3, 0.0, 1.3, np.pi)
_MOST_NAMED = 20


def trust_section(meshes: CapturedMeshes, template: Template) -> str:
    """Maps of confidence and of expected error, on the template."""
    good = meshes.good
    seen = (meshes.views[good] > 0).any(0)
    cameras = [head_camera(template.vertices, 240, yaw) for yaw in _YAWS]

    def drawn(values: NDArray[np.float64], limit: float, label: str) -> str:
        known = np.where(seen, values, np.nan)
        image = draw_vertex_map(
            template.vertices, template.triangles, known, limit, cameras, label, "not seen"
        )
        return figure(png_bytes(image), label)

    spread = 1e3 * meshes.spread_m[good].mean(0, dtype=np.float64)
    limit = float(np.ceil(np.quantile(spread[seen], 0.95))) if seen.any() else 1.0
    return section(
        "How far to believe it",
        drawn(meshes.confidence[good].mean(0, dtype=np.float64), 1.0, "confidence, mean"),
        drawn(spread, max(limit, 1.0), "expected error, mean, mm"),
        note="Over all moments that are no failures, on the template: from its right, in front, "
        "from its left, behind. Hair hides skin, so that what lies below it is a guess.",
    )


def cameras_section(meshes: CapturedMeshes, residuals: CameraResiduals) -> str:
    """Where each camera saw the head beside where the mesh is."""
    offsets = residuals.offsets_px()
    means = mean_offsets(offsets)
    seen = np.asarray(np.isfinite(offsets).all(2))
    rows, charts = [], []
    lengths = np.linalg.norm(offsets, axis=2)
    top = float(np.quantile(lengths[seen], 0.99)) if seen.any() else 1.0
    span = (float(meshes.time_s[0]), float(meshes.time_s[-1]))
    for c, name in enumerate(residuals.names):
        x, y = means[c]
        at = seen[:, c]
        shown = (f"{x:+.2f}", f"{y:+.2f}", f"{np.hypot(x, y):.2f}") if at.any() else ("-",) * 3
        rows.append((name, *shown, str(int(at.sum()))))
        height = (0.0, 1.1 * max(top, 0.1))
        times, off = meshes.time_s[at], lengths[at, c]
        charts.append(line_chart(name, times, off, (300, 110), span, height, unit=" s"))
    return section(
        "Cameras",
        table(
            ("camera", "right, px", "down, px", "together, px", "moments that it saw"),
            rows, (1, 2, 3, 4),
        ),
        f'<div class="charts">{"".join(charts)}</div>',
        note="Mean of predicted minus seen pixels. One moment scatters by pixels; a mean over many "
        "that is larger than the other cameras' shows one that has moved since the calibration.",
    )  # fmt: skip


def mean_offsets(offsets_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C, 2) of (T, C, 2) over the moments that each camera saw; NaN where there is none."""
    seen = np.asarray(np.isfinite(offsets_px).all(2))
    sums = np.where(seen[..., None], offsets_px, 0.0).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums / seen.sum(0)[:, None])


def failures_section(meshes: CapturedMeshes) -> str:
    """Confidence and failures over time, and the reasons."""
    confidence = mean_confidence(meshes).clip(0)
    span = (float(meshes.time_s[0]), float(meshes.time_s[-1]))
    charts = "".join(
        line_chart(title, meshes.time_s, values, (620, 130), span, unit=" s")
        for title, values in (
            ("mean confidence", confidence),
            ("failure", (~meshes.good).astype(float)),
        )
    )
    reasons = Counter(text for text in meshes.failure if text).most_common(_MOST_NAMED)
    first = {text: int(meshes.frame[meshes.failure.index(text)]) for text, _ in reasons}
    rows = [(text, str(count), str(first[text])) for text, count in reasons]
    told = table(("reason", "moments", "first at frame"), rows, (1, 2)) if rows else "<p>None.</p>"
    return section("Failures", f'<div class="charts">{charts}</div>', told)


def time_section(seconds: Mapping[str, float], moments: int) -> str:
    """Where the time went."""
    total = sum(seconds.values())
    rows = [
        (stage, f"{spent:.1f}", f"{1000 * spent / moments:.0f}", f"{100 * spent / total:.0f} %")
        for stage, spent in seconds.items()
    ] + [("together", f"{total:.1f}", f"{1000 * total / moments:.0f}", "")]
    return section("Time", table(("stage", "s", "ms a moment", "share"), rows, (1, 2, 3)))
