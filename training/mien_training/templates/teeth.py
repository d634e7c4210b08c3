"""Dental arches with gums for a head that has none: a small parametric model.

Sizes are average adult crown widths and heights of dental anatomy; the arch is half an ellipse.
The upper arch is rigid with the skull, the lower with the jaw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arch", "ArchShape", "build_arch"]

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]

AROUND, LEVELS = 10, 5
_GUM_ALONG, _GUM_AROUND = 41, 7


@dataclass(frozen=True)
class ArchShape:
    """Where an arch stands and how big its teeth are. Metres, rig space; x = 0 is the mid-line."""

    front: tuple[float, float]
    """(y, z) of the incisors' biting edge, on the lip side."""
    half_width: float
    """Half width of the arch at its back."""
    depth: float
    """Length of the arch from the incisors to its back."""
    sign: float
    """+1 for the upper arch (crowns grow up from the edge), -1 for the lower."""
    widths: tuple[float, ...]
    """Crown widths from the central incisor backwards."""
    heights: tuple[float, ...]
    """Crown heights, likewise."""
    thicknesses: tuple[float, ...]
    """Crown depths from lip to tongue, likewise."""

    @classmethod
    def upper(cls, front: tuple[float, float]) -> ArchShape:
        """Average upper arch."""
        return cls(
            front, 0.030, 0.046, 1.0,
            (0.0085, 0.0066, 0.0076, 0.0071, 0.0068, 0.0100, 0.0095),
            (0.0100, 0.0090, 0.0098, 0.0084, 0.0078, 0.0072, 0.0068),
            (0.0068, 0.0060, 0.0076, 0.0088, 0.0088, 0.0108, 0.0106),
        )  # fmt: skip

    @classmethod
    def lower(cls, front: tuple[float, float]) -> ArchShape:
        """Average lower arch."""
        return cls(
            front, 0.0275, 0.043, -1.0,
            (0.0053, 0.0058, 0.0068, 0.0070, 0.0071, 0.0108, 0.0103),
            (0.0088, 0.0090, 0.0100, 0.0086, 0.0080, 0.0074, 0.0068),
            (0.0058, 0.0060, 0.0072, 0.0078, 0.0080, 0.0100, 0.0098),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Arch:
    """One arch as polygons; vertices are mirror-symmetric about x = 0."""

    vertices: Float32Array
    """(V, 3) metres, rig space."""
    polygons: Int32Array
    """(P, 4), -1 in the last column marks a triangle; counter-clockwise from outside."""
    is_gum: NDArray[np.bool_]
    """(P,) gum polygons; the rest are teeth."""
    uvs: Float32Array
    """(V, 2) in [0, 1]: u along the arch, v from the gum (0) to the biting edge (1)."""


def build_arch(shape: ArchShape) -> Arch:
    """Fourteen crowns and a gum ridge."""
    angles = _tooth_angles(shape)
    vertices: list[Float32Array] = []
    uvs: list[Float32Array] = []
    polygons: list[Int32Array] = []
    gum: list[NDArray[np.bool_]] = []
    count = 0
    for side in (1.0, -1.0):
        for tooth in range(len(shape.widths)):
            points, uv = _crown(shape, tooth, angles[tooth])
            faces = _crown_polygons(flip=(side < 0) == (shape.sign > 0))
            points = points * np.array([side, 1, 1], np.float32)
            vertices.append(points)
            uvs.append(np.stack([0.5 + side * uv[:, 0], uv[:, 1]], 1).astype(np.float32))
            polygons.append(np.where(faces < 0, -1, faces + count).astype(np.int32))
            gum.append(np.zeros(len(faces), bool))
            count += len(points)
    points, gum_uv, faces = _gum_ridge(shape)
    vertices.append(points)
    uvs.append(gum_uv)
    polygons.append((faces + count).astype(np.int32))
    gum.append(np.ones(len(faces), bool))
    return Arch(
        np.concatenate(vertices).astype(np.float32),
        np.concatenate(polygons),
        np.concatenate(gum),
        np.concatenate(uvs),
    )


def _on_arch(shape: ArchShape, angle: NDArray[np.float64]) -> tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]
]:  # fmt: skip
    """x, z on the ellipse and the outward direction (nx, nz) at `angle` from the mid-line."""
    x = shape.half_width * np.sin(angle)
    z = shape.front[1] - shape.depth * (1 - np.cos(angle))
    nx, nz = np.sin(angle) / shape.half_width, np.cos(angle) / shape.depth
    length = np.hypot(nx, nz)
    return x, z, nx / length, nz / length


def _tooth_angles(shape: ArchShape) -> NDArray[np.float64]:
    """Angle of each crown's middle, so that crowns touch along the arch's length."""
    t = np.linspace(0, np.pi / 2, 2000)
    x, z, _, _ = _on_arch(shape, t)
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    edges = np.concatenate([[0], np.cumsum(shape.widths)])
    middles = (edges[1:] + edges[:-1]) / 2
    return np.asarray(np.interp(middles, length, t))


def _crown(
    shape: ArchShape, tooth: int, angle: np.float64
) -> tuple[Float32Array, NDArray[np.float64]]:
    """(AROUND * LEVELS + 1, 3) points of one crown on the +x side, and (u offset, v)."""
    incisor, molar = tooth < 3, tooth >= 5
    x, z, nx, nz = (float(a) for a in _on_arch(shape, np.asarray(angle)))
    width, height = shape.widths[tooth], shape.heights[tooth]
    thickness = shape.thicknesses[tooth]
    rise = np.linspace(0, 1, LEVELS)  # 0 at the gum, 1 at the biting edge
    wide = np.interp(rise, [0, 0.55, 1], [0.74, 1.0, 0.94 if tooth != 2 else 0.55])
    deep = np.interp(rise, [0, 0.35, 1], [0.85, 1.0, 0.32 if incisor else 0.82 if molar else 0.62])
    phi = 2 * np.pi * np.arange(AROUND) / AROUND
    along = np.sign(np.cos(phi)) * np.abs(np.cos(phi)) ** 0.7 * 0.5
    across = np.sign(np.sin(phi)) * np.abs(np.sin(phi)) ** 0.7 * 0.5
    # The lip side stays on the arch; a crown leans back towards its edge on the tongue side.
    a = along[None] * (wide * width)[:, None]
    b = across[None] * (deep * thickness)[:, None] - (deep * thickness)[:, None] * 0.5
    cusp = 0.06 * height * np.cos(4 * phi) if not incisor else 0.0
    y_edge = shape.front[0] + shape.sign * (0.0006 if tooth == 1 else 0.0)
    y = y_edge + shape.sign * height * (1 - rise)[:, None] + 0 * a
    y[-1] += shape.sign * np.abs(cusp)
    points = np.stack([x + nz * a + nx * b, y, z - nx * a + nz * b], -1).reshape(-1, 3)
    tip = points[-AROUND:].mean(0, keepdims=True) + [[0, -shape.sign * 0.02 * height, 0]]
    u = (float(angle) / (np.pi / 2) * 0.47 + a / width * 0.02).reshape(-1)
    v = np.broadcast_to(rise[:, None], a.shape).reshape(-1)
    uv = np.stack([np.append(u, u[-AROUND:].mean()), np.append(v, 1.0)], 1)
    return np.concatenate([points, tip]).astype(np.float32), uv


def _crown_polygons(flip: bool) -> Int32Array:
    quads = []
    for level in range(LEVELS - 1):
        for i in range(AROUND):
            j = (i + 1) % AROUND
            low, high = level * AROUND, (level + 1) * AROUND
            quads.append((low + i, low + j, high + j, high + i))
    top = (LEVELS - 1) * AROUND
    quads += [(top + i, top + (i + 1) % AROUND, LEVELS * AROUND, -1) for i in range(AROUND)]
    faces = np.array(quads, np.int32)
    return _flipped(faces) if flip else faces


def _flipped(faces: Int32Array) -> Int32Array:
    """The same polygons seen from the other side; triangles keep -1 last."""
    quads = faces[:, 3] >= 0
    out = faces.copy()
    out[quads] = faces[quads][:, ::-1]
    out[~quads, :3] = faces[~quads][:, [2, 1, 0]]
    return out


def _gum_ridge(shape: ArchShape) -> tuple[Float32Array, Float32Array, Int32Array]:
    """A horseshoe whose rim reaches over the crowns' necks."""
    t = np.linspace(-np.pi / 2 * 0.98, np.pi / 2 * 0.98, _GUM_ALONG)
    x, z, nx, nz = _on_arch(shape, t)
    t_of_tooth = _tooth_angles(shape)
    height = np.interp(np.abs(t), t_of_tooth, shape.heights)
    thickness = np.interp(np.abs(t), t_of_tooth, shape.thicknesses)
    phi = np.linspace(0, np.pi, _GUM_AROUND)  # lip side, over the rim, tongue side
    out = np.cos(phi)
    rim = np.sin(phi)
    middle, half = -thickness / 2, thickness / 2 + 0.0012
    b = middle[:, None] + half[:, None] * np.sign(out) * np.abs(out) ** 0.6
    foot = 0.011
    y = shape.front[0] + shape.sign * (height[:, None] * 0.86 + foot * (1 - rim[None] ** 0.5))
    points = np.stack([x[:, None] + nx[:, None] * b, y, z[:, None] + nz[:, None] * b], -1)
    u = np.broadcast_to(np.linspace(0, 1, _GUM_ALONG)[:, None], b.shape)
    v = np.broadcast_to(np.linspace(0, 1, _GUM_AROUND)[None], b.shape)
    grid = np.arange(_GUM_ALONG * _GUM_AROUND).reshape(_GUM_ALONG, _GUM_AROUND)
    faces = np.stack(
        [grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], -1
    ).reshape(-1, 4).astype(np.int32)  # fmt: skip
    if shape.sign > 0:
        faces = _flipped(faces)
    uv = np.stack([u, v], -1).reshape(-1, 2).astype(np.float32)
    return points.reshape(-1, 3).astype(np.float32), uv, faces
