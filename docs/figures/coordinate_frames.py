"""Draws coordinate_frames.svg: one head, and the axes of each system around it.

    python docs/figures/coordinate_frames.py

The axes come from the conversion functions printed in docs/coordinate-frames.md, so that figure
and formulas cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

PAGE = Path(__file__).resolve().parents[1] / "coordinate-frames.md"
OUT = Path(__file__).with_suffix(".svg")
PANELS = (
    ("mien, glTF, three.js, Godot", "right-handed, metres", "to_gltf"),
    ("Unity", "left-handed, metres", "to_unity"),
    ("Blender", "right-handed, metres", "to_blender"),
    ("Unreal: glTF import", "left-handed, centimetres", "to_unreal_import"),
    ("Unreal: actor facing +X", "left-handed, centimetres", "to_unreal_actor"),
    ("OpenCV camera in front", "right-handed, metres", "to_opencv_camera"),
)
COLOURS = ("#c62828", "#2e7d32", "#1565c0")
WIDTH, HEIGHT, COLUMNS = 250, 250, 3
SCREEN = np.array([[0.90, 0.0, -0.62], [0.16, -1.0, 0.42]])
"""Screen x and y (down) of mien's axes: seen from the character's left front, from above."""

Float64Array = NDArray[np.float64]


def conversions(page: Path = PAGE) -> dict[str, Any]:
    """Everything that the page's Python blocks define."""
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
        exec(block, names)
    return names


def axes(convert: Callable[[Any, Any], Any]) -> Float64Array:
    """(3, 3) unit axes of a system, one a row, in mien's frame."""
    columns = [convert(tuple(axis), (0.0, 0.0, 0.0, 1.0))[0] for axis in np.eye(3)]
    system_from_mien = np.array(columns, np.float64).T
    inverse = np.linalg.inv(system_from_mien).T
    return np.asarray(inverse / np.linalg.norm(inverse, axis=1, keepdims=True))


def panel(title: str, note: str, directions: Float64Array) -> list[str]:
    """SVG of one head with axes, in a box of WIDTH x HEIGHT."""
    centre = np.array([WIDTH / 2, HEIGHT / 2 + 22])

    def at(point: ArrayLike, scale: float = 1.0) -> tuple[float, float]:
        x, y = centre + scale * (SCREEN @ np.asarray(point, np.float64))
        return round(float(x), 1), round(float(y), 1)

    def dot(point: tuple[float, float, float], radius: float) -> str:
        x, y = at(point, 40)
        return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="#5d4037"/>'

    behind = [k for k in range(3) if directions[k][2] < -0.5]
    arrows = [_arrow(at([0, 0, 0]), at(directions[k], 70), "xyz"[k], COLOURS[k]) for k in range(3)]
    nose, tip, chin = at((0, 0.1, 0.75), 40), at((0, -0.1, 1.35), 40), at((0, -0.18, 0.8), 40)
    mouth = [at((x, -0.45 - 0.06 * (1 - 6 * x * x), 0.78), 40) for x in (-0.3, 0.0, 0.3)]
    x, y = centre
    return [
        f'<rect x="4" y="4" width="{WIDTH - 8}" height="{HEIGHT - 8}" rx="8" fill="#fff" '
        'stroke="#cfcfcf"/>',
        f'<text x="{WIDTH / 2}" y="28" class="title">{title}</text>',
        f'<text x="{WIDTH / 2}" y="45" class="note">{note}</text>',
        *(arrows[k] for k in behind),
        f'<ellipse cx="{x}" cy="{y}" rx="36" ry="44" fill="#f6dcc8" stroke="#8d6e63"/>',
        dot((0.38, 0.45, 0.72), 4),
        dot((-0.38, 0.45, 0.72), 4),
        f'<path d="M{nose[0]} {nose[1]}L{tip[0]} {tip[1]}L{chin[0]} {chin[1]}" class="line"/>',
        f'<path d="M{mouth[0][0]} {mouth[0][1]}Q{mouth[1][0]} {mouth[1][1]} '
        f'{mouth[2][0]} {mouth[2][1]}" class="line"/>',
        *(arrows[k] for k in range(3) if k not in behind),
    ]


def _arrow(tail: tuple[float, float], head: tuple[float, float], name: str, colour: str) -> str:
    a, b = np.array(tail), np.array(head)
    along = (b - a) / np.linalg.norm(b - a)
    across = np.array([-along[1], along[0]])
    points = [b, b - 11 * along + 5 * across, b - 11 * along - 5 * across]
    corners = " ".join(f"{p[0]:.1f},{p[1]:.1f}" for p in points)
    end, text = b - 9 * along, b + 13 * along
    return (
        f'<line x1="{a[0]}" y1="{a[1]}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" stroke="{colour}" '
        f'stroke-width="3"/><polygon points="{corners}" fill="{colour}"/>'
        f'<text x="{text[0]:.1f}" y="{text[1] + 5:.1f}" class="axis" fill="{colour}">{name}</text>'
    )


def draw() -> str:
    """The whole figure."""
    known = conversions()
    rows = -(-len(PANELS) // COLUMNS)
    width, height = COLUMNS * WIDTH, rows * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif">',
        "<style>text{text-anchor:middle}.title{font-size:15px;font-weight:600;fill:#222}"
        ".note{font-size:12px;fill:#666}.axis{font-size:16px;font-weight:700}"
        ".line{fill:none;stroke:#5d4037;stroke-width:2}</style>",
    ]
    for number, (title, note, function) in enumerate(PANELS):
        x, y = WIDTH * (number % COLUMNS), HEIGHT * (number // COLUMNS)
        body = panel(title, note, axes(known[function]))
        parts += [f'<g transform="translate({x} {y})">', *body, "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    OUT.write_text(draw(), "utf-8")
