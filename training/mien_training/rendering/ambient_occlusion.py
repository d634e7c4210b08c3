"""How much of the sky each vertex sees: dark mouth cavity, nostrils, eye corners."""

from weakref import WeakKeyDictionary

import numpy as np
import warp as wp
from numpy.typing import NDArray

from mien.deform import vertex_normals
from mien.rig import Rig
from mien_training.rendering.raster_kernels import ambient_occlusion_kernel

__all__ = ["posed_ambient_occlusion", "rig_ambient_occlusion", "vertex_ambient_occlusion"]

Float32Array = NDArray[np.float32]


def vertex_ambient_occlusion(
    vertices: Float32Array,
    normals: Float32Array,
    triangles: NDArray[np.int32],
    rays: int = 96,
    reach_m: float = 0.08,
    at: NDArray[np.int64] | None = None,
) -> Float32Array:
    """(V,) cosine-weighted share of the hemisphere that is open within `reach_m`, 0..1.

    vertices (V, 3), metres; normals (V, 3), unit. The rays lie on a Fibonacci sphere. `at` (N,):
    of these vertices only, (N,).
    """
    chosen = slice(None) if at is None else at
    k = np.arange(rays) + 0.5
    z, phi = 1 - 2 * k / rays, k * np.pi * (3 - np.sqrt(5))
    r = np.sqrt(1 - z * z)
    sphere = np.stack([r * np.cos(phi), r * np.sin(phi), z], -1).astype(np.float32)
    with wp.ScopedDevice("cpu"):
        points = wp.array(vertices, dtype=wp.vec3)
        mesh = wp.Mesh(points, wp.array(np.ascontiguousarray(triangles).ravel(), dtype=int))
        result = wp.zeros(len(vertices[chosen]), dtype=float)
        wp.launch(
            ambient_occlusion_kernel,
            dim=len(result),
            inputs=[
                mesh.id, wp.array(vertices[chosen], dtype=wp.vec3),
                wp.array(normals[chosen], dtype=wp.vec3),
                wp.array(sphere, dtype=wp.vec3), reach_m, 2e-4, result,
            ],
        )  # fmt: skip
        return np.array(result.numpy())


_OF_RIG: WeakKeyDictionary[Rig, Float32Array] = WeakKeyDictionary()


def rig_ambient_occlusion(rig: Rig) -> Float32Array:
    """(V,) for a rig: the most that each vertex sees at rest, mouth half open, eyes closed, or
    tongue out.

    What folds away at rest (lids, lips, tongue) must not be black when it comes out. Takes about a
    second, so it is kept as long as the rig lives.
    """
    if rig in _OF_RIG:
        return _OF_RIG[rig]
    poses = [{}, {"jawOpen": 0.6}, {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}]
    poses += [{"tongueOut": 1.0}] if "tongueOut" in rig.shape_index else []
    best = np.zeros(len(rig.vertices), np.float32)
    for pose in poses:
        rows = [(rig.shape_index[n], w) for n, w in pose.items() if n in rig.shape_index]
        vertices = rig.vertices + sum(
            (np.float32(w) * rig.shape_deltas[k] for k, w in rows), np.float32(0)
        )
        best = np.maximum(best, vertex_ambient_occlusion(vertices, rig.normals, rig.triangles))
    best.flags.writeable = False
    _OF_RIG[rig] = best
    return best


def posed_ambient_occlusion(
    rig: Rig, resting: Float32Array, vertices: Float32Array
) -> Float32Array:
    """(V,) for one pose (V, 3) of a rig: `resting` (V,) of `rig_ambient_occlusion` for the skin
    and the eyes; teeth, tongue and the mouth's lining see what this pose lets them see.

    Lit as with the mouth open, teeth shine through the slit between closed lips.
    """
    names = [material.name for material in rig.materials]
    inside = [names.index(name) for name in _INSIDE if name in names]
    at = np.unique(rig.triangles[np.isin(rig.triangle_material, inside)]).astype(np.int64)
    result = resting.copy()
    if len(at):
        normals = vertex_normals(vertices, rig.triangles)
        result[at] = vertex_ambient_occlusion(vertices, normals, rig.triangles, _FEW_RAYS, at=at)
    return result


_FEW_RAYS = 40
"""Enough where one image of a pose is all that is wanted."""
_INSIDE = ("teeth", "mouth", "tongue")
"""Materials of the inside of the mouth."""
