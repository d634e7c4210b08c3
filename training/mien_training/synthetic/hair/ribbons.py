"""Strands as ribbons: a mesh that is drawn with the head, and goes where the head goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.rig import Material
from mien_training.rendering.scene.scene_mesh import PlacedMesh, SceneMesh

__all__ = ["StrandHair", "ribbon_mesh"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_COLUMNS, _ROWS = 64, 16
_ROUGHNESS = 0.62


@dataclass(frozen=True, eq=False)
class StrandHair:
    """Somebody's hair at rest."""

    mesh: SceneMesh
    vertices: Float32Array
    """(H, 3) at rest, rig space, metres."""
    normals: Float32Array
    """(H, 3) unit, away from the head."""
    root: NDArray[np.int32]
    """(H,) template vertex beside the root of each vertex's strand."""

    def place(self, moved: Float32Array, world_from_head: Float64Array) -> PlacedMesh:
        """Rigid with the skull, but that roots follow the skin.

        moved (V, 3): how far each template vertex is from its rest place by the expression alone,
        metres; world_from_head (4, 4).
        """
        turn = world_from_head[:3, :3]
        placed = (self.vertices + moved[self.root]) @ turn.T + world_from_head[:3, 3]
        return PlacedMesh(placed.astype(np.float32), (self.normals @ turn.T).astype(np.float32))


def ribbon_mesh(
    points: Float64Array,
    outward: Float64Array,
    kept: NDArray[np.int64],
    width_m: float,
    occlusion: Float64Array,
    colour: tuple[int, int, int],
    grey: float,
    rng: np.random.Generator,
) -> tuple[SceneMesh, Float32Array, Float32Array]:
    """The mesh of N strands, its vertices (2 N S, 3) and their normals.

    points (N, S, 3) along the strands, metres; outward (N, S, 3) away from the head; kept (N,) how
    many points of each strand are left after cutting; occlusion (N, S) 0..1; colour sRGB, 8 bit.
    Ribbons are flat, turned about their strand by chance, and the same for all cameras.
    """
    count, steps = points.shape[:2]
    along = np.gradient(points, axis=1)
    along = _unit(along)
    normal = _unit(outward - (outward * along).sum(-1, keepdims=True) * along)
    across = np.cross(along, normal)
    twist = rng.normal(0, 0.5, (count, 1, 1))
    across = np.cos(twist) * across + np.sin(twist) * normal
    t = np.arange(steps) / (kept[:, None] - 1).clip(1)
    profile = (0.8 + 0.2 * np.minimum(t / 0.25, 1)) * np.sqrt((1 - 0.94 * t**2.5).clip(0, 1))
    half = 0.5 * width_m * rng.uniform(0.7, 1.3, (count, 1)) * profile
    sides = np.stack([points - half[..., None] * across, points + half[..., None] * across], 2)
    first = np.arange(count * steps).reshape(count, steps)[:, :-1]
    first = 2 * first[np.arange(steps - 1) < (kept - 1)[:, None]]
    quads = np.stack([first, first + 1, first + 2, first + 1, first + 3, first + 2], 1)
    u = np.where(rng.random(count) < grey, 0.75, 0.0) + rng.uniform(0.02, 0.23, count)
    u = np.where(u < 0.3, (u - 0.02) * 3.2 + 0.01, u)
    uv = np.stack(np.broadcast_arrays(u[:, None], t.clip(0, 1)), -1).astype(np.float32)
    material = Material("hair", _texture(colour, rng), roughness=_ROUGHNESS)
    mesh = SceneMesh(
        "hair",
        quads.reshape(-1, 3).astype(np.int32),
        np.repeat(uv[:, :, None], 2, 2).reshape(-1, 2),
        material,
        np.repeat(occlusion.astype(np.float32)[:, :, None], 2, 2).reshape(-1),
    )
    normals = np.repeat(normal[:, :, None], 2, 2).reshape(-1, 3).astype(np.float32)
    return mesh, sides.reshape(-1, 3).astype(np.float32), normals


def _texture(colour: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """(16, 64, 3) tints of strands from root (above) to tip; the right quarter is grey hair."""
    base = np.array(colour, np.float64)
    tint = base * np.exp(rng.normal(0, 0.16, (_COLUMNS, 1)))
    grey = slice(3 * _COLUMNS // 4, None)
    tint[grey] = 0.55 * tint[grey] + 0.45 * rng.uniform(110, 170, (_COLUMNS // 4, 1))
    along = np.linspace(0.82, 1.12, _ROWS)[:, None, None]
    return np.asarray((tint * along + 3).clip(0, 255), np.uint8)


def _unit(vectors: Float64Array) -> Float64Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
