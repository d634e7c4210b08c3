"""Small line charts as SVG text, in the colours of the page around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["camera_key", "history_charts", "line_chart", "weight_charts"]

Float64Array = NDArray[np.float64]

_LEFT, _RIGHT, _TOP, _BOTTOM = 42, 10, 22, 20
"""Margins of a chart with axes, user units."""


def line_chart(
    title: str,
    x: ArrayLike,
    y: ArrayLike,
    size: tuple[int, int] = (300, 130),
    span: tuple[float, float] = (0.0, 1.0),
    values: tuple[float, float] = (0.0, 1.0),
    axes: bool = True,
    unit: str = "",
    groups: ArrayLike | None = None,
) -> str:
    """One SVG of (x, y) in order of x, x over `span`, y over `values`.

    groups (N,): points of group n get a dot of the page's colour `--line-n`; None: no dots.
    """
    width, height = size
    left, right, top, bottom = (_LEFT, _RIGHT, _TOP, _BOTTOM) if axes else (1, 1, 15, 1)
    inner_w, inner_h = width - left - right, height - top - bottom

    def across(x: ArrayLike) -> Float64Array:
        return left + inner_w * (np.asarray(x, np.float64) - span[0]) / max(
            span[1] - span[0], 1e-12
        )

    def down(y: ArrayLike) -> Float64Array:
        part = (np.asarray(y, np.float64) - values[0]) / max(values[1] - values[0], 1e-12)
        return top + inner_h * (1 - part.clip(-0.02, 1.02))

    out = [
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">',
        f'<text class="name" x="{left}" y="{top - 6}">{escape(title)}</text>',
        f'<rect class="plot" x="{left}" y="{top}" width="{inner_w}" height="{inner_h}"/>',
    ]
    if axes:
        for tick in _ticks(*values, 3):
            at = float(down(tick))
            out.append(f'<path class="grid" d="M{left} {at:.1f}H{width - right}"/>')
            out.append(f'<text class="tick y" x="{left - 5}" y="{at + 3:.1f}">{tick:g}</text>')
        for tick in _ticks(*span, 5):
            at = float(across(tick))
            out.append(f'<text class="tick x" x="{at:.1f}" y="{height - 6}">{tick:g}{unit}</text>')
    places = list(zip(across(x), down(y), strict=True))
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    out.append(f'<polyline class="line" points="{points}"/>')
    if groups is not None:
        radius = 1.7 if len(places) < 300 else 1.1
        for (a, b), group in zip(places, np.asarray(groups), strict=True):
            out.append(f'<circle class="dot{group % 4}" cx="{a:.1f}" cy="{b:.1f}" r="{radius}"/>')
    return "".join([*out, "</svg>"])


def weight_charts(
    names: Sequence[str],
    weights: NDArray[np.float32],
    times_s: Float64Array,
    camera: NDArray[np.int64],
    large: int = 12,
) -> str:
    """All shapes over time; the `large` most active with axes and a dot per frame in the colour of
    its camera, the others small.

    weights (N, K), times_s (N,) on one clock, camera (N,).
    """
    activity = np.argsort(-np.square(weights).mean(0), kind="stable")
    order = np.argsort(times_s, kind="stable")
    span = (float(times_s.min()), float(times_s.max()))
    cameras = int(camera.max()) + 1

    def chart(k: int, big: bool) -> str:
        size = (300, 130) if big else (150, 52)
        dots = camera[order] if big and cameras > 1 else None
        x, y = times_s[order], weights[order, k]
        return line_chart(names[k], x, y, size, span, axes=big, unit=" s", groups=dots)

    first = "".join(chart(int(k), True) for k in activity[:large])
    rest = "".join(chart(int(k), False) for k in sorted(activity[large:]))
    small = f'<div class="charts small">{rest}</div>' if rest else ""
    return f'{camera_key(cameras)}<div class="charts">{first}</div>{small}'


def history_charts(history: Sequence[Mapping[str, float]]) -> str:
    """One chart per figure of the checks over steps; each falls from its own start."""
    names = [name for name in (history[0] if history else {}) if name != "round"]
    charts = []
    for name in names:
        rows = [h for h in history if name in h and np.isfinite(h[name])]
        if not rows:
            continue
        x, y = [h["round"] for h in rows], [h[name] for h in rows]
        span = (min(x), max(x)) if len(x) > 1 else (0.0, max(x[0], 1.0))
        top = max(y) if max(y) > 0 else 1.0
        charts.append(line_chart(name.replace("_", " "), x, y, (300, 130), span, (0.0, 1.05 * top)))
    return f'<div class="charts">{"".join(charts)}</div>'


def camera_key(cameras: int) -> str:
    """Which colour is which camera; nothing for one camera."""
    if cameras < 2:
        return ""
    items = "".join(
        f'<span><i style="background:var(--line-{c % 4})"></i>camera {c + 1}</span>'
        for c in range(cameras)
    )
    return f'<p class="key">{items}</p>'


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers inside, at most one more than `most`."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    size = 10 ** np.floor(np.log10(rough))
    step = next(float(m * size) for m in (1, 2, 2.5, 5, 10) if m * size >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    count = int(np.floor(high / step + 1e-9) - first) + 1
    return [round(float((first + n) * step), 10) for n in range(count)]
