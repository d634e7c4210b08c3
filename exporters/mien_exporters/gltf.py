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
from mien.errors import ChannelError, InputError
from mien.rig import Rig
from mien.skeleton import check_joints
from mien_exporters.gltf_animation import add_animation
from mien_exporters.gltf_buffers import BufferBuilder, glb_bytes, split_glb
from mien_exporters.gltf_mesh import (
    add_materials,
    add_mesh,
    add_skeleton,
    canonical_rig,
    check_shape_names,
    still_shapes,
)

__all__ = ["glb_of", "normal_deltas", "rig_to_glb", "with_clips"]

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

    Raises InputError for a rig that cannot be a character's GLB (no triangles, NaN, broken
    weights, other joints than `mien.rig.JOINT_NAMES`), and ChannelError for shape names that
    engines would alter, shapes that move nothing (`drop_still_shapes` takes them out) and clips of
    unknown channels.
    """
    check_shape_names(rig.shape_names)
    check_joints(rig.joints, f"rig {rig.name!r}", InputError)
    still = still_shapes(rig)
    if still:
        raise ChannelError(
            f"rig {rig.name!r}: shapes that move nothing: {', '.join(still)}; "
            "expected them to be left out (importers drop them, and the names go out of step)"
        )
    rig = canonical_rig(rig)
    document = gltf.GLTF2(asset=gltf.Asset(generator=GENERATOR, version="2.0"))
    buffers = BufferBuilder(document)
    add_skeleton(document, buffers, rig)
    add_materials(document, buffers, rig.materials)
    add_mesh(document, buffers, rig, normal_deltas(rig))
    document.nodes.append(gltf.Node(name=rig.name, mesh=0, skin=0))
    mesh_node = len(document.nodes) - 1
    root = document.skins[0].skeleton
    document.scenes = [gltf.Scene(name=rig.name, nodes=[root, mesh_node])]
    document.scene = 0
    glb = glb_of(document, buffers)
    return with_clips(glb, rig, clips, rate_hz) if clips else glb


def with_clips(
    glb: bytes,
    rig: Rig,
    clips: Mapping[str, Clip],
    rate_hz: float | None = None,
) -> bytes:
    """`glb`, which `rig_to_glb` or `read_rig` say holds `rig`, with one more animation per clip.

    The mesh stays as it is, so that its normal deltas are not computed again; `rig.name` becomes
    the character's name in the file. `rig_to_glb(rig, clips)` gives the same bytes.
    """
    text, binary = split_glb(glb)
    document = gltf.GLTF2.from_json(text)
    buffers = BufferBuilder(document, binary)
    (mesh_node,) = (i for i, node in enumerate(document.nodes) if node.mesh is not None)
    for named in (document.nodes[mesh_node], *document.meshes, *document.skins, *document.scenes):
        named.name = rig.name
    joint_node = {document.nodes[i].name: i for i in document.skins[0].joints}
    for name, clip in clips.items():
        add_animation(document, buffers, rig, name, clip, rate_hz, mesh_node, joint_node)
    return glb_of(document, buffers)


def glb_of(document: gltf.GLTF2, buffers: BufferBuilder) -> bytes:
    """The bytes of a document whose arrays lie in `buffers`; keys sorted, so that they repeat."""
    binary = buffers.finish()
    plain = json.loads(document.to_json())
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return glb_bytes(text, binary)


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
