"""Captured meshes of a small head whose neutral, shapes, weights and poses are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien_training.footage.captured import CapturedMeshes
from mien_training.head import MATERIALS, Template
from mien_training.runs.content_key import topology_digest
from support.sphere_head import sphere_head_template

_BUMPS = {
    "jawOpen": ((0.0, -0.05, 0.08), (0.0, -0.012, -0.004)),
    "browInnerUp": ((0.0, 0.06, 0.07), (0.0, 0.008, 0.0)),
    "mouthSmileLeft": ((0.05, -0.02, 0.07), (0.006, 0.006, 0.0)),
    "mouthSmileRight": ((-0.05, -0.02, 0.07), (-0.006, 0.006, 0.0)),
}
"""Where a shape moves the head, and how far."""


def bump_head() -> Template:
    """A sphere with eyeballs, moved by four smooth bumps; its back is still."""
    spheres = sphere_head_template()
    v = spheres.vertices.astype(np.float64)
    skin = np.zeros(len(v), np.bool_)
    skin[spheres.triangles[spheres.triangle_material == MATERIALS.index("skin")]] = True
    none = np.zeros_like(skin)
    regions = {n: none for n in ("lips", "lids", "neck", "teeth", "mouthCavity", "tongue")}
    bumps = [
        np.exp(-np.square(v - place).sum(1) / (2 * 0.03**2))[:, None] * np.array(way)
        for place, way in _BUMPS.values()
    ]
    return replace(
        spheres, regions={**regions, "skin": skin, "eyes": ~skin}, shape_names=tuple(_BUMPS),
        shape_deltas=(np.stack(bumps) * skin[:, None]).astype(np.float32),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class MeshTake:
    """T moments of somebody, and the truth."""

    template: Template
    neutral: NDArray[np.float64]
    deltas: NDArray[np.float64]
    weights: NDArray[np.float64]
    meshes: CapturedMeshes

    def local(self) -> NDArray[np.float64]:
        """(T, V, 3) the true meshes in rig space."""
        return np.asarray(self.neutral + np.tensordot(self.weights, self.deltas, 1))


def mesh_take(
    template: Template, moments: int = 16, noise_m: float = 0.0, seed: int = 0
) -> MeshTake:
    """Random weights and poses of a person whose shapes lean and grow a little over the face."""
    rng = np.random.default_rng(seed)
    v = template.vertices.astype(np.float64)
    grow = 1 + 0.2 * np.sin(v[:, :1] / 0.05 + rng.uniform(0, 6)) * np.cos(v[:, 1:2] / 0.06)
    lean = Rotation.from_rotvec(rng.normal(0, 0.15, 3))
    deltas = np.stack([lean.apply(grow * d) for d in template.shape_deltas])
    neutral = v + 0.002 * np.sin(v[:, [1, 2, 0]] / 0.04)
    weights = rng.uniform(0, 1, (moments, len(deltas))) * (rng.random((moments, 1)) > 0.1)
    pose = np.tile(np.eye(4), (moments, 1, 1))
    pose[:, :3, :3] = Rotation.from_rotvec(rng.normal(0, 0.2, (moments, 3))).as_matrix()
    pose[:, :3, 3] = rng.normal(0, 0.03, (moments, 3))
    local = neutral + np.tensordot(weights, deltas, 1) + rng.normal(0, noise_m, (moments, *v.shape))
    world = np.einsum("tij,tvj->tvi", pose[:, :3, :3], local) + pose[:, None, :3, 3]
    flat = np.ones((moments, len(v)))
    meshes = CapturedMeshes(
        template.name, topology_digest(template), np.arange(moments), np.arange(moments) / 30,
        world.astype(np.float32), pose, flat.astype(np.float16), (4 * flat).astype(np.uint8),
        (max(noise_m, 1e-4) * flat).astype(np.float16), ("",) * moments,
    )  # fmt: skip
    return MeshTake(template, neutral, deltas, weights, meshes)
