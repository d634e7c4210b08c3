"""samples/golden/splats.json: a mesh of six vertices and ten Gaussians, and where they belong.

python tests/support/splat_golden.py

Whoever ports the avatar's formula to another engine checks the port against it, to 1e-4.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mien.avatar import Anchors, pose_anchors
from mien.avatar.playback.splat_model import SplatModel

__all__ = ["PATH", "golden", "golden_model"]

PATH = Path(__file__).parents[2] / "samples" / "golden" / "splats.json"
DIGITS = 8
VERTICES = np.array(
    [[0, 0, 0], [0.02, 0, 0.003], [0.04, 0, 0], [0, 0.02, 0.002], [0.02, 0.02, 0.006],
     [0.04, 0.02, 0.001]], np.float32,
)  # fmt: skip
SOURCE = [0, 1, 3, 4, 1, 2, 4, 5, 0, 6, 3]
"""Head vertex of each atlas vertex: two squares with a seam between, and a triangle that leads to
vertex 6, an extra one."""
UVS = [[0.05, 0.45], [0.45, 0.45], [0.05, 0.05], [0.45, 0.05], [0.55, 0.45], [0.95, 0.45],
       [0.55, 0.05], [0.95, 0.05], [0.1, 0.9], [0.4, 0.9], [0.1, 0.6]]  # fmt: skip
TRIANGLES = [[0, 1, 3], [0, 3, 2], [4, 5, 7], [4, 7, 6], [8, 9, 10]]


def golden_model() -> SplatModel:
    """Six anchors, one or two a triangle; Gaussians on all of them and above four of them."""
    rng = np.random.default_rng(11)
    corners, weights = np.array([[2, 4]], np.int32), np.array([[0.25, 0.75]], np.float32)
    source, triangles = np.array(SOURCE, np.int32), np.array(TRIANGLES, np.int32)
    extra = (VERTICES[corners] * weights[..., None]).sum(1)
    p = np.concatenate([VERTICES, extra]).astype(np.float64)[source[triangles]]
    area = 0.5 * np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
    bary = rng.dirichlet((2, 2, 2), 6).round(3)
    bary[:, 2] = 1 - bary[:, 0] - bary[:, 1]
    anchors = Anchors(
        size=8, texel=np.array([3, 9, 14, 20, 33, 40]), triangle=np.array([0, 1, 2, 3, 3, 4]),
        bary=bary.astype(np.float32), triangles=triangles, uvs=np.array(UVS, np.float32),
        source=source, vertex_count=len(VERTICES),
        rest_areas=np.bincount(source[triangles].ravel(), np.repeat(area, 3)).astype(np.float32),
        extra_corners=corners, extra_weights=weights,
    )  # fmt: skip
    static = rng.normal(0, 0.6, (10, 13)).round(4)
    static[:, 6:9] += np.log([0.7, 0.7, 0.35]).round(4)
    static[3, 6] = 4.5  # beyond what a size may be
    codes, steps = golden_maps()
    return SplatModel(
        anchors=anchors, anchor=np.array([0, 1, 2, 3, 4, 5, 1, 2, 1, 2], np.int32),
        lift_m=np.array([0] * 6 + [0.004, 0.004, 0.01, 0.01], np.float32),
        spacing_m=rng.uniform(0.002, 0.004, 10).round(5).astype(np.float32),
        static=static.astype(np.float32),
        maps=(codes * steps[:, None]).astype(np.float32),
    )  # fmt: skip


def golden_maps() -> tuple[np.ndarray, np.ndarray]:
    """Codes (D, N, 16) and steps (D, 16) of three maps."""
    rng = np.random.default_rng(13)
    return rng.integers(-127, 128, (3, 6, 16)), rng.uniform(0.001, 0.005, (3, 16)).round(6)


def golden() -> dict[str, Any]:
    """The file's content, as plain JSON values."""
    model = golden_model()
    a, rng = model.anchors, np.random.default_rng(12)
    codes, steps = golden_maps()
    moved = VERTICES + rng.normal(0, 0.003, VERTICES.shape).round(4)
    cases = [
        ("at rest", VERTICES, np.zeros(3)),
        ("changed", VERTICES, np.array([1.5, -0.75, 0.5])),
        ("moved", moved.astype(np.float32), np.array([-1.0, 0.5, 2.0])),
    ]
    return {
        "about": "Input and result of mien's anchored Gaussians: docs/avatar-format.md. A port of "
        "the formula is right if it is within 1e-4 of `splats` in every case; `vertices` has what "
        "the triangles around each vertex give, for finding where one goes wrong.",
        "size": a.size,
        "vertices": a.vertex_count,
        "coefficients": ["first", "second", "third"],
        "tables": {
            "texel": plain(a.texel), "triangle": plain(a.triangle), "bary": plain(a.bary),
            "triangles": plain(a.triangles), "uvs": plain(a.uvs), "source": plain(a.source),
            "restAreas": plain(a.rest_areas), "extraCorners": plain(a.extra_corners),
            "extraWeights": plain(a.extra_weights), "mapSteps": plain(steps),
            "maps": plain(codes),
        },
        "gaussians": {
            "_ANCHOR": plain(model.anchor), "_LIFT_M": plain(model.lift_m),
            "_SPACING_M": plain(model.spacing_m), "_PLACE": plain(model.static[:, :3]),
            "_TURN": plain(model.static[:, 3:6]), "_SIZE_LOG": plain(model.static[:, 6:9]),
            "_OPACITY_LOGIT": plain(model.static[:, 9]),
            "_COLOUR_LOGIT": plain(model.static[:, 10:]),
        },
        "cases": [case_of(model, *case) for case in cases],
    }  # fmt: skip


def case_of(
    model: SplatModel, name: str, vertices: np.ndarray, coefficients: np.ndarray
) -> dict[str, Any]:
    splats = model.posed(vertices, coefficients)
    normals, ratios, tangents = around(model.anchors, vertices)
    return {
        "name": name, "positions": plain(vertices), "coefficients": plain(coefficients),
        "vertices": {
            "normals": plain(normals), "ratios": plain(ratios), "tangents": plain(tangents),
        },
        "splats": {
            "means": plain(splats.means), "rotations": plain(splats.rotations),
            "scales": plain(splats.scales), "opacities": plain(splats.opacities),
            "colours": plain(splats.colours),
        },
    }  # fmt: skip


def around(a: Anchors, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit normals (V + E, 3), ratios (V + E,), unit tangents (A, 3), by plain loops."""
    v = vertices.astype(np.float64)
    extra = (v[a.extra_corners] * a.extra_weights[..., None]).sum(1)
    v = np.concatenate([v, extra])
    normals, areas = np.zeros_like(v), np.zeros(len(v))
    tangents = np.zeros((len(a.source), 3))
    for corners in a.triangles:
        p, uv = v[a.source[corners]], a.uvs[corners].astype(np.float64)
        first, second = p[1] - p[0], p[2] - p[0]
        across = np.cross(first, second)
        down = uv[1:, 1] - uv[0, 1]
        along = down[0] * second - down[1] * first
        for corner in corners:
            normals[a.source[corner]] += across
            areas[a.source[corner]] += 0.5 * np.linalg.norm(across)
            tangents[corner] += along
    return (
        normals / np.linalg.norm(normals, axis=1, keepdims=True),
        np.sqrt(areas / a.rest_areas),
        tangents / np.linalg.norm(tangents, axis=1, keepdims=True),
    )


def plain(array: Any) -> list[Any]:
    """Flat, floats to eight digits."""
    values = np.asarray(array).ravel().tolist()
    return [float(f"{v:.{DIGITS}g}") if isinstance(v, float) else v for v in values]


def text() -> str:
    """The file's bytes: an array to a line."""
    document = golden()
    cases = ",\n".join("  " + json.dumps(case) for case in document.pop("cases"))
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(lines) + ',\n "cases": [\n' + cases + "\n ]\n}\n"


if __name__ == "__main__":
    assert np.isfinite(pose_anchors(golden_model().anchors, VERTICES).positions).all()
    PATH.write_text(text())
