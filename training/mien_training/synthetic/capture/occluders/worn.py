"""What hides parts of a head: a mesh, and what it goes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien_training.rendering.scene.scene_mesh import PlacedMesh, SceneMesh
from mien_training.synthetic.hair import StrandHair

__all__ = ["Worn"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Worn:
    """Something worn or grown, at rest."""

    mesh: SceneMesh
    vertices: Float32Array
    """(H, 3) at rest, rig space, metres."""
    goes_with: Literal["skin", "skull", "body"]
    """skin: each vertex with the place of the skin that it is rooted in; skull: rigid with the
    head; body: it stays when the head turns."""
    normals: Float32Array | None = None
    """(H, 3) unit, for shading; None: from the triangles."""
    root: NDArray[np.int32] | None = None
    """(H,) template vertex of each vertex's root; of what goes with the skin only."""

    @classmethod
    def of_hair(cls, hair: StrandHair) -> Worn:
        """Strands, rooted in the skin."""
        return cls(hair.mesh, hair.vertices, "skin", hair.normals, hair.root)

    def place(
        self,
        neutral: Float32Array,
        posed: Float32Array,
        world_from_head: NDArray[np.float64],
        world_from_body: NDArray[np.float64],
    ) -> PlacedMesh:
        """With the head's vertices (V, 3) at rest and (V, 3) posed in the world, metres; what
        is rooted in the skin turns with the skull. world_from_head, world_from_body (4, 4)."""
        rigid = world_from_body if self.goes_with == "body" else world_from_head
        turn, move = rigid[:3, :3], rigid[:3, 3]
        if self.root is None:
            placed = self.vertices @ turn.T + move
        else:
            placed = (self.vertices - neutral[self.root]) @ turn.T + posed[self.root]
        normals = None if self.normals is None else (self.normals @ turn.T).astype(np.float32)
        return PlacedMesh(placed.astype(np.float32), normals)
