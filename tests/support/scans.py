"""A scan whose truth is known: somebody off the template's basis, cut into other triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from mien_training.footage.scanned.scan import Scan
from mien_training.geometry.alignment import Alignment
from mien_training.head import MATERIALS, Template
from mien_training.rendering.paint import Look, paint_materials
from mien_training.rig.scan.scan_landmarks import ScanLandmarks
from mien_training.synthetic.smooth_field import SmoothField


@dataclass(frozen=True, eq=False)
class KnownScan:
    scan: Scan
    neutral: np.ndarray
    """(V, 3) true head, rig space, metres."""
    expression: np.ndarray
    """(V, 3) as scanned."""
    rotation: np.ndarray
    """(3, 3) scan = scale * rotation @ rig + shift."""
    shift: np.ndarray
    scale: float


def known_scan(
    template: Template,
    seed: int = 3,
    bump_m: float = 0.0015,
    blink: float = 0.0,
    turn=(0.2, -0.5, 0.1),
    scale: float = 1000.0,
    metres_per_unit: float | None = 0.001,
) -> KnownScan:
    """Skin and eyes with colours at the vertices; every triangle became twelve."""
    field = SmoothField(np.random.default_rng(seed), 3, 0.05, 0.11)
    usual = template.vertices + template.identity.sample(seed)
    neutral = (usual + field(usual) * (bump_m / np.sqrt(3))).astype(np.float32)
    expression = neutral.copy()
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        expression += np.float32(blink) * template.shape_deltas[template.shape_names.index(name)]
    materials = paint_materials(template, neutral, Look.random(seed), 1024)
    corners, colours = [], []
    for name in ("skin", "eye"):
        index = MATERIALS.index(name)
        chosen = template.triangle_material == index
        here = expression[template.triangles[chosen]].astype(np.float64)
        uvs = template.uvs[template.uv_triangles[chosen]].astype(np.float64)
        whole = np.concatenate([here, uvs], 2)  # (F, 3, 5) split alike
        picture = materials[index].base_color
        split = _thirds(_quarters(whole), np.random.default_rng(seed))
        flat = split.reshape(-1, 5)
        at = (flat[:, 3:] * [picture.shape[1], picture.shape[0]]).astype(int)
        at = at.clip(0, [picture.shape[1] - 1, picture.shape[0] - 1])
        corners.append(flat[:, :3])
        colours.append(picture[at[:, 1], at[:, 0], :3])
    points, colour = np.concatenate(corners), np.concatenate(colours)
    points, first, index = np.unique(
        np.round(points, 9), axis=0, return_index=True, return_inverse=True
    )
    rotation, shift = Rotation.from_rotvec(turn).as_matrix(), np.array([30.0, -200.0, 70.0])
    triangles = index.reshape(-1, 3).astype(np.int64)
    scan = Scan(
        "known", scale * points @ rotation.T + shift, triangles, metres_per_unit,
        colours=colour[first],
    )  # fmt: skip
    return KnownScan(scan, neutral, expression, rotation, shift, scale)


def _quarters(corners: np.ndarray) -> np.ndarray:
    """(4 F, 3, C) of (F, 3, C): cut at the middles of the edges."""
    a, b, c = corners.transpose(1, 0, 2)
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.concatenate([np.stack(part, 1) for part in parts])


def _thirds(corners: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(3 F, 3, C): cut from a random point inside."""
    share = rng.dirichlet((4.0, 4.0, 4.0), len(corners))
    inner = np.einsum("fc,fcx->fx", share, corners)
    a, b, c = corners.transpose(1, 0, 2)
    parts = [(a, b, inner), (b, c, inner), (c, a, inner)]
    return np.concatenate([np.stack(part, 1) for part in parts])


def known_landmarks(template: Template, known: KnownScan) -> ScanLandmarks:
    """The tracker's points where they truly are."""
    points = template.landmarks.positions(known.expression, template.triangles).astype(np.float64)
    turn, scale = known.rotation, known.scale
    rig_from_scan = Alignment(turn.T, -turn.T @ known.shift / scale, 1 / scale)
    present = np.isfinite(points).all(1)
    return ScanLandmarks(
        known.scan, scale * points @ turn.T + known.shift, present.astype(np.float64),
        rig_from_scan, False, False,
    )  # fmt: skip
