"""A sheet between the lips for heads that have nothing behind them.

MonoAvatar (Bai et al. 2023) joins the inner lips' loops of its face model by an interpolated
surface. Here it sags into the head, as a sheet between closed lips has no area to anchor anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien_training.avatar.anchors.layout.topology import neighbour_edges, rims, welded_corners
from mien_training.head import MATERIALS, Template

__all__ = ["MouthSheet", "mouth_sheet"]

Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]

_COLUMNS, _ROWS = 25, 15
_DEPTH_M = 0.02
"""How far the sheet's middle lies behind the lips."""
_ENDS = 0.03
"""Share of the lips' length left out at the corners, where the sheet would be a line."""


@dataclass(frozen=True, eq=False)
class MouthSheet:
    """Extra vertices that follow the skin, and triangles upon them."""

    corners: Int32Array
    """(E, 6) vertices of the template that each extra vertex follows."""
    weights: Float64Array
    """(E, 6) by these shares, summing to 1."""
    triangles: Int32Array
    """(F, 3) extra vertices, counter-clockwise seen from in front."""

    def vertices(self, vertices: NDArray[np.float32]) -> Float64Array:
        """(E, 3) for the template's (V, 3)."""
        return np.asarray((vertices[self.corners] * self.weights[..., None]).sum(1))


def mouth_sheet(template: Template) -> MouthSheet | None:
    """None for a head with a mouth's inside, and for one whose lips are closed for good."""
    if (template.triangle_material == MATERIALS.index("mouth")).any():
        return None
    loop = _inner_lips(template)
    if loop is None:
        return None
    v = template.vertices.astype(np.float64)
    right, left = (int(v[loop, 0].argmin()), int(v[loop, 0].argmax()))
    loop = np.roll(loop, -right)
    left = (left - right) % len(loop)
    chains = [loop[: left + 1], np.concatenate([loop[left:], loop[:1]])[::-1]]
    chains.sort(key=lambda chain: float(v[chain, 1].mean()))
    at = np.linspace(_ENDS, 1 - _ENDS, _COLUMNS)
    (lower, low_share), (upper, high_share) = [_along(v, chain, at) for chain in chains]
    back = _behind(template, v[loop].mean(0))
    deep = float(np.linalg.norm(v[back].mean(0) - v[loop].mean(0)))
    corners = np.empty((_ROWS, _COLUMNS, 6), np.int32)
    weights = np.empty((_ROWS, _COLUMNS, 6))
    corners[..., :2], corners[..., 2:4], corners[..., 4:] = lower, upper, back
    height = np.linspace(0, 1, _ROWS)[:, None, None]
    sag = 4 * height * (1 - height) * min(_DEPTH_M / deep, 0.9)
    weights[..., :2] = (1 - sag) * (1 - height) * low_share
    weights[..., 2:4] = (1 - sag) * height * high_share
    weights[..., 4:] = 0.5 * sag
    grid = np.arange(_ROWS * _COLUMNS).reshape(_ROWS, _COLUMNS)
    a, b, c, d = (x.ravel() for x in (grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]))
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return MouthSheet(corners.reshape(-1, 6), weights.reshape(-1, 6), triangles.astype(np.int32))


def _inner_lips(template: Template) -> NDArray[np.int64] | None:
    """(n,) vertices around the hole in the skin between the lips."""
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    corners = welded_corners(len(skin), neighbour_edges(skin))
    own = np.zeros(int(corners.max()) + 1, np.int64)
    own[corners] = skin
    lips = template.regions.get("lips", np.zeros(len(template.vertices), np.bool_))
    loops = [own[loop] for loop in rims(corners)]
    at_lips = [float(lips[loop].mean()) for loop in loops]
    best = int(np.argmax(at_lips)) if loops else 0
    return loops[best] if loops and at_lips[best] > 0.5 and len(loops[best]) >= 6 else None


def _along(
    v: Float64Array, chain: NDArray[np.int64], at: Float64Array
) -> tuple[Int32Array, Float64Array]:
    """(C, 2) vertices and shares of places at shares `at` of a chain's length."""
    length = np.linalg.norm(np.diff(v[chain], axis=0), axis=1)
    knots = np.concatenate([[0.0], np.cumsum(length)]) / length.sum()
    before = np.searchsorted(knots, at, "right").clip(1, len(chain) - 1)
    share = (at - knots[before - 1]) / (knots[before] - knots[before - 1])
    pair = np.stack([chain[before - 1], chain[before]], 1).astype(np.int32)
    return pair, np.stack([1 - share, share], 1)


def _behind(template: Template, mouth: Float64Array) -> NDArray[np.int64]:
    """(2,) vertices of skin left and right of a place deep behind the mouth."""
    skin = np.unique(template.triangles[template.triangle_material == MATERIALS.index("skin")])
    p = template.vertices[skin].astype(np.float64)
    wide = np.ptp(p[:, 0])
    deep = 0.5 * (p[:, 2].min() + p[:, 2].max())
    wanted = mouth + np.array([[0.5 * wide, 0.0, 0.0], [-0.5 * wide, 0.0, 0.0]])
    wanted[:, 2] = deep
    return np.array([skin[np.linalg.norm(p - place, axis=1).argmin()] for place in wanted])
