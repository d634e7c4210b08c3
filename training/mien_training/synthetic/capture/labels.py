"""What is true of each pixel and of each vertex, seen by one camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien_training.cameras import Camera
from mien_training.head import MATERIALS
from mien_training.rendering import HeadRenderer
from mien_training.rendering.scene.scene_mesh import PlacedMesh

__all__ = ["SKIN", "ViewLabels", "label_view"]

Float32Array = NDArray[np.float32]

SKIN = MATERIALS.index("skin")


@dataclass(frozen=True, eq=False)
class ViewLabels:
    """At pixel centres; (H, W) follows the camera, and no label depends on it otherwise."""

    part: NDArray[np.int8]
    """(H, W) index into `scene_mesh.PARTS`; -1 none."""
    canonical: Float32Array
    """(H, W, 3) where the place seen is on the template's mean head, metres, rig space; 0 where
    the pixel shows nothing of the head itself (skin, eyes, mouth)."""
    normals: Float32Array
    """(H, W, 3) unit, in the camera's axes (x right, y down, z forward), so that one image alone
    tells them; they face the camera, and are 0 where `canonical` is."""


def label_view(
    renderer: HeadRenderer,
    vertices: Float32Array,
    placed: Sequence[PlacedMesh],
    camera: Camera,
    canonical: Float32Array,
) -> ViewLabels:
    """vertices (V', 3) of the renderer's rig in the world, metres; canonical (V', 3) their places
    on the mean head."""
    maps = renderer.label_maps(vertices, camera, placed)
    head = (maps.part >= 0) & (maps.part < len(MATERIALS))
    turned = maps.normals @ camera.camera_from_world[:3, :3].T.astype(np.float32)
    turned[~head] = 0
    return ViewLabels(maps.part, maps.interpolate(canonical, renderer.rig.triangles), turned)
