"""Rig -> GLB, by the profile that Unity, Unreal, Godot, Blender and three.js all take.

What each of them does with morph targets differs; the rules kept here are the common ground:
float32, no extensions, at most 255 targets, the same targets with POSITION and NORMAL deltas on
every primitive, names in mesh.extras.targetNames, no target that moves nothing, sparse accessors
only on an explicit base of zeros, no tangents (importers make them), one skinned mesh at the root
of the scene, metres, +Y up, facing +Z. `mien.glb` reads it back bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray

from mien.clip import Clip
from mien.deform import vertex_normals
from mien.errors import ChannelError
from mien.rig import Rig
from mien_exporters.gltf_animation import add_animation
from mien_exporters.gltf_buffers import BufferBuilder, glb_bytes
from mien_exporters.gltf_mesh import (
    add_materials,
    add_mesh,
    add_skeleton,
    canonical_rig,
    check_shape_names,
)

__all__ = ["normal_deltas", "rig_to_glb"]

GENERATOR = "mien"
"""Without a version: the same rig gives the same bytes in every release that keeps the profile."""


def rig_to_glb(
    rig: Rig,
    clips: Mapping[str, Clip] | None = None,
    rate_hz: float | None = None,
) -> bytes:
    """The bytes of a GLB with the rig and, by name, one animation for each clip.

    Clips are bound by channel name: shapes to morph weights, head angles to the neck's and the
    head's rotation (see `gltf_animation`); they are resampled to `rate_hz`, or keep their own
    times with None. The rig is brought to `canonical_rig` form first. The same input gives the
    same bytes.

    Raises InputError for a rig that cannot be a GLB (no triangles, NaN, broken weights), and
    ChannelError for shape names that engines would spoil, shapes that move nothing
    (`drop_still_shapes` takes them out) and clips of unknown channels.
    """
    check_shape_names(rig.shape_names)
    still = [n for n, d in zip(rig.shape_names, rig.shape_deltas, strict=True) if not d.any()]
    if still:
        raise ChannelError(
            f"rig {rig.name!r}: shapes that move nothing: {', '.join(still)}; "
            "expected them to be left out (importers drop them, and the names go out of step)"
        )
    rig = canonical_rig(rig)
    document = gltf.GLTF2(asset=gltf.Asset(generator=GENERATOR, version="2.0"))
    buffers = BufferBuilder(document)
    joint_nodes = add_skeleton(document, buffers, rig)
    add_materials(document, buffers, rig.materials)
    add_mesh(document, buffers, rig, normal_deltas(rig))
    document.nodes.append(gltf.Node(name=rig.name, mesh=0, skin=0))
    mesh_node = len(document.nodes) - 1
    root = document.skins[0].skeleton
    document.scenes = [gltf.Scene(name=rig.name, nodes=[root, mesh_node])]
    document.scene = 0
    joint_node = {joint.name: n for joint, n in zip(rig.joints, joint_nodes, strict=True)}
    for name, clip in (clips or {}).items():
        add_animation(document, buffers, rig, name, clip, rate_hz, mesh_node, joint_node)
    binary = buffers.finish()
    plain = json.loads(document.to_json())
    return glb_bytes(
        json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False), binary
    )


def normal_deltas(rig: Rig) -> NDArray[np.float32]:
    """(K, V, 3) change of the vertex normals when each shape alone is at weight 1.

    Differences of unit normals, not themselves of unit length, as glTF adds them. Both ends come
    from the same function, so what a shape leaves alone stays exactly 0.
    """
    rest = vertex_normals(rig.vertices, rig.triangles, rig.welded)
    deltas = np.empty_like(rig.shape_deltas)
    for k, shape in enumerate(rig.shape_deltas):
        deltas[k] = vertex_normals(rig.vertices + shape, rig.triangles, rig.welded) - rest
    return deltas
