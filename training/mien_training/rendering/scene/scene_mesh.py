"""Meshes beside the head in one image: hair, glasses, clothes, anything that may hide it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.rig import Material
from mien_training.head.template import MATERIALS

__all__ = ["PARTS", "PlacedMesh", "SceneMesh", "part_index"]

Float32Array = NDArray[np.float32]

PARTS = (*MATERIALS, "hair", "glasses", "clothes", "other")
"""What a pixel may show; a part map holds indices into these, -1 where it shows none."""


def part_index(name: str) -> int:
    """Index into PARTS; unknown materials of a rig are `other`."""
    return PARTS.index(name) if name in PARTS else PARTS.index("other")


@dataclass(frozen=True, eq=False)
class SceneMesh:
    """A mesh that is drawn with the head: everything that does not change from frame to frame."""

    part: str
    """One of PARTS."""
    triangles: NDArray[np.int32]
    """(F, 3) indices into its own vertices; both sides are drawn."""
    uvs: Float32Array
    """(V, 2) texture coordinates, (0, 0) the upper left."""
    material: Material
    ambient_occlusion: Float32Array
    """(V,) share of the sky that each vertex sees, 0..1."""

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise InputError(f"SceneMesh: part {self.part!r}, expected one of {', '.join(PARTS)}")
        count = len(self.uvs)
        if self.uvs.shape != (count, 2) or self.ambient_occlusion.shape != (count,):
            raise InputError(
                f"SceneMesh: uvs {self.uvs.shape}, ambient_occlusion "
                f"{self.ambient_occlusion.shape}, expected (V, 2) and (V,)"
            )
        faces = self.triangles
        if faces.ndim != 2 or faces.shape[1] != 3 or (
            len(faces) and not 0 <= int(faces.min()) <= int(faces.max()) < count
        ):  # fmt: skip
            raise InputError(f"SceneMesh: triangles {faces.shape}, expected (F, 3) below {count}")


@dataclass(frozen=True, eq=False)
class PlacedMesh:
    """Where a `SceneMesh` is in one frame."""

    vertices: Float32Array
    """(V, 3) world, metres."""
    normals: Float32Array | None = None
    """(V, 3) unit, for shading; None: from the triangles."""
