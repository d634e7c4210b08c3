"""How much of the sky each vertex sees: dark mouth cavity, nostrils, eye corners."""

from weakref import WeakKeyDictionary

import numpy as np
import warp as wp
from numpy.typing import NDArray

from mien.rig import Rig
from mien_training.rendering.raster_kernels import ambient_occlusion_kernel

__all__ = ["rig_ambient_occlusion", "vertex_ambient_occlusion"]

Float32Array = NDArray[np.float32]


def vertex_ambient_occlusion(
    vertices: Float32Array,
    normals: Float32Array,
    triangles: NDArray[np.int32],
    rays: int = 96,
    reach_m: float = 0.08,
) -> Float32Array:
    """(V,) cosine-weighted share of the hemisphere that is open within `reach_m`, 0..1.

    vertices (V, 3), metres; normals (V, 3), unit. The rays lie on a Fibonacci sphere.
    """
    k = np.arange(rays) + 0.5
    z, phi = 1 - 2 * k / rays, k * np.pi * (3 - np.sqrt(5))
    r = np.sqrt(1 - z * z)
    sphere = np.stack([r * np.cos(phi), r * np.sin(phi), z], -1).astype(np.float32)
    with wp.ScopedDevice("cpu"):
        points = wp.array(vertices, dtype=wp.vec3)
        mesh = wp.Mesh(points, wp.array(np.ascontiguousarray(triangles).ravel(), dtype=int))
        result = wp.zeros(len(vertices), dtype=float)
        wp.launch(
            ambient_occlusion_kernel,
            dim=len(vertices),
            inputs=[
                mesh.id, points, wp.array(normals, dtype=wp.vec3),
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
