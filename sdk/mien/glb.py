"""character.glb -> Rig and Clip: the reader of the one glTF profile that mien writes.

The profile (mien_exporters.gltf writes it): one mesh node at the root of the scene; one primitive
per material, all of them sharing the vertex and morph target accessors; POSITION and NORMAL deltas
for every target, their names in mesh.extras.targetNames; one skin; textures embedded as PNG.
Reading gives back the arrays that were written, bit for bit. What decoding allocates is limited in
total, by the size of the file (`mien.budget.decoding_budget`).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.budget import Budget
from mien.clip import Clip
from mien.errors import InputError
from mien.glb_document import COMPONENT_TYPES, GlbDocument
from mien.rig import Joint, Material, Rig
from mien.strict_json import Fields
from mien.texture import read_texture

__all__ = ["read_atlas_places", "read_rig", "read_weights_animation"]

_U8, _U16, _U32, _F32 = 5121, 5123, 5125, 5126
_VERTEX_ATTRIBUTES = ("POSITION", "NORMAL", "TEXCOORD_0", "JOINTS_0", "WEIGHTS_0")


def read_rig(
    data: bytes | memoryview, name: str = "character", budget: Budget | None = None
) -> Rig:
    """The rig inside the bytes of a character GLB.

    `name` becomes `Rig.name`. Joint positions come back at float32 precision. `budget` (bytes) is
    charged with all that is decoded; by default it follows from the file's size. Raises InputError,
    naming the field, for a damaged file, one outside the profile, and one beyond the budget.
    """
    document = GlbDocument(data, f"{name}.glb", budget)
    _, node, mesh = _mesh_node(document)
    primitives = mesh.objects("primitives")
    first = primitives[0].object("attributes")
    attributes = {key: first.integer(key) for key in _VERTEX_ATTRIBUTES}
    targets = _targets(primitives[0])
    for primitive in primitives[1:]:
        own = primitive.object("attributes")
        if {key: own.integer(key) for key in _VERTEX_ATTRIBUTES} != attributes or (
            _targets(primitive) != targets
        ):
            raise InputError(
                f"{primitive.where}: has vertex data of its own, expected all primitives of a "
                "character to share one set of accessors"
            )
    count = document.count(first, "POSITION")
    document.budget.spend(52 * count, f"{mesh.where}: {count} vertices")
    vertices = _vertex_array(document, first, "POSITION", (count, 3), _F32)
    triangles, triangle_material = _triangles(document, primitives, count)
    names = _shape_names(mesh, len(targets))
    document.budget.spend(12 * count * (len(names) + 1), f"{mesh.where}: {len(names)} targets")
    deltas = np.empty((len(names), count, 3), np.float32)
    normals = np.empty((count, 3), np.float32)
    for k, target in enumerate(_target_fields(primitives[0])):
        document.read_into(deltas[k], target, "POSITION", "VEC3", (_F32,))
        document.read_into(normals, target, "NORMAL", "VEC3", (_F32,))  # checked, not kept
    skin = document.one("skins", node, "skin")
    joints = _joints(document, skin)
    return Rig(
        name=name,
        vertices=vertices,
        normals=_vertex_array(document, first, "NORMAL", (count, 3), _F32),
        uvs=_vertex_array(document, first, "TEXCOORD_0", (count, 2), _F32),
        triangles=triangles,
        triangle_material=triangle_material,
        materials=tuple(_material(document, m, i) for i, m in enumerate(document.all("materials"))),
        shape_names=names,
        shape_deltas=deltas,
        joints=joints,
        joint_indices=_vertex_array(document, first, "JOINTS_0", (count, 4), _U8),
        joint_weights=_vertex_array(document, first, "WEIGHTS_0", (count, 4), _F32),
    )


def read_atlas_places(data: bytes | memoryview, texcoord: int = 1) -> NDArray[np.float32]:
    """(V, 2) places of the rig's vertices on the face atlas: set `texcoord` of the texture
    coordinates in the bytes of a character GLB. Raises InputError for a file that has none."""
    document = GlbDocument(data, "character.glb")
    _, _, mesh = _mesh_node(document)
    first = mesh.objects("primitives")[0].object("attributes")
    count = document.count(first, "POSITION")
    document.budget.spend(8 * count, f"{mesh.where}: {count} places")
    return _vertex_array(document, first, f"TEXCOORD_{texcoord}", (count, 2), _F32)


def read_weights_animation(data: bytes | memoryview, animation: str | None = None) -> Clip:
    """The morph weights of an animated character GLB as a Clip: one channel per morph target.

    `animation` names one of several; by default the file must hold exactly one. Raises InputError
    when there is none of that name, or it does not move the weights with linear keys.
    """
    document = GlbDocument(data, "animated GLB")
    node_index, _, mesh = _mesh_node(document)
    names = _shape_names(mesh, len(_targets(mesh.objects("primitives")[0])))
    chosen = _choose(document, animation)
    channels = [
        channel
        for channel in chosen.objects("channels")
        if channel.object("target").text("path") == "weights"
        and channel.object("target").integer("node") == node_index
    ]
    if len(channels) != 1:
        raise InputError(
            f"{chosen.where}: has {len(channels)} weights channels on the mesh, expected 1"
        )
    samplers = chosen.objects("samplers")
    if not samplers:
        raise InputError(f"{chosen.where}: field 'samplers' is empty")
    index = channels[0].integer("sampler", 0, max(len(samplers) - 1, 0))
    sampler = samplers[index]
    interpolation = sampler.text("interpolation") if "interpolation" in sampler else "LINEAR"
    if interpolation != "LINEAR":
        raise InputError(
            f"{sampler.where}: field 'interpolation' is {interpolation!r}, expected 'LINEAR'"
        )
    times = document.accessor(sampler, "input", "SCALAR", (_F32,))
    values = document.accessor(sampler, "output", "SCALAR", (_F32,))
    if (np.diff(times) <= 0).any() or times[0] < 0:
        raise InputError(f"{sampler.where}: input times do not increase from 0 on")
    document.budget.spend(24 * len(times) + values.nbytes, f"{sampler.where}: {len(times)} keys")
    if len(values) != len(times) * len(names):
        raise InputError(
            f"{sampler.where}: output has {len(values)} values, expected "
            f"{len(times)} keys x {len(names)} targets"
        )
    return Clip(names, times.astype(np.float64), np.array(values.reshape(len(times), len(names))))


def _choose(document: GlbDocument, name: str | None) -> Fields:
    animations = document.all("animations")
    found = [a for a in animations if name is None or a.values.get("name") == name]
    if len(found) != 1:
        have = ", ".join(repr(a.values.get("name"))[:40] for a in animations[:20]) or "none"
        wanted = "exactly one animation" if name is None else f"one animation {name!r}"
        raise InputError(f"{document.where}: expected {wanted}, the file has: {have}")
    return found[0]


def _mesh_node(document: GlbDocument) -> tuple[int, Fields, Fields]:
    """(index, node, mesh) of the one node that has a mesh and a skin."""
    nodes = [(i, node) for i, node in enumerate(document.all("nodes")) if "mesh" in node]
    if len(nodes) != 1 or len(document.all("meshes")) != 1:
        raise InputError(
            f"{document.where}: has {len(nodes)} mesh nodes and {len(document.all('meshes'))} "
            "meshes, expected 1 and 1 in a character"
        )
    index, node = nodes[0]
    moved = {"matrix", "translation", "rotation", "scale", "weights"} & set(node.values)
    if moved:
        raise InputError(f"{node.where}: field {min(moved)!r} is set, expected it on no mesh node")
    mesh = document.one("meshes", node, "mesh")
    if not mesh.objects("primitives"):
        raise InputError(f"{mesh.where}: field 'primitives' is empty")
    return index, node, mesh


def _targets(primitive: Fields) -> list[tuple[int, int]]:
    """The accessors (POSITION, NORMAL) of every morph target."""
    return [(t.integer("POSITION"), t.integer("NORMAL")) for t in _target_fields(primitive)]


def _target_fields(primitive: Fields) -> list[Fields]:
    return primitive.objects("targets") if "targets" in primitive else []


def _shape_names(mesh: Fields, count: int) -> tuple[str, ...]:
    """mesh.extras.targetNames, one for each target; glTF itself leaves their number unchecked."""
    if count == 0:
        return ()
    extras = mesh.object("extras")
    names = extras.texts("targetNames")
    if len(names) != count:
        raise InputError(
            f"{extras.where}: field 'targetNames' has {len(names)} names for {count} targets"
        )
    if len(set(names)) != count:
        duplicate = min(name for name, times in Counter(names).items() if times > 1)
        raise InputError(f"{extras.where}: field 'targetNames' holds {duplicate!r} twice")
    return names


def _vertex_array(
    document: GlbDocument, owner: Fields, key: str, shape: tuple[int, int], component: int
) -> NDArray[Any]:
    """One vertex attribute as an array of its own; the caller has charged it."""
    array = np.empty(shape, COMPONENT_TYPES[component])
    document.read_into(array, owner, key, f"VEC{shape[1]}", (component,))
    return array


def _triangles(
    document: GlbDocument, primitives: list[Fields], vertex_count: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """All triangles (F, 3) and the material (F,) of each."""
    counts = [document.count(primitive, "indices") for primitive in primitives]
    for primitive, count in zip(primitives, counts, strict=True):
        if count % 3:
            raise InputError(f"{primitive.where}: has {count} indices, not a multiple of 3")
        document.budget.spend(16 * count // 3, f"{primitive.where}: {count // 3} triangles")
    triangles = np.empty((sum(counts) // 3, 3), np.int32)
    materials = np.empty(len(triangles), np.int32)
    end = 0
    for primitive, count in zip(primitives, counts, strict=True):
        if primitive.values.get("mode", 4) != 4:
            raise InputError(
                f"{primitive.where}: field 'mode' is {primitive.integer('mode')}, "
                "expected 4 (triangles)"
            )
        index = document.accessor(primitive, "indices", "SCALAR", (_U8, _U16, _U32))
        if int(index.max()) >= vertex_count:
            raise InputError(
                f"{primitive.where}: indices reach {int(index.max())}, "
                f"but there are {vertex_count} vertices"
            )
        start, end = end, end + count // 3
        triangles[start:end] = index.reshape(-1, 3)
        materials[start:end] = primitive.integer(
            "material", 0, max(len(document.all("materials")) - 1, 0)
        )
    return triangles, materials


def _joints(document: GlbDocument, skin: Fields) -> tuple[Joint, ...]:
    """The skeleton, from the skin's inverse bind matrices (rest pose: positions only)."""
    nodes = document.all("nodes")
    order = skin.items("joints")
    if not order or any(type(i) is not int or not 0 <= i < len(nodes) for i in order):
        raise InputError(f"{skin.where}: field 'joints' does not list nodes of this file")
    if len(set(order)) != len(order) or len(order) > 255:
        raise InputError(f"{skin.where}: field 'joints' lists a node twice, or more than 255")
    matrices = document.accessor(skin, "inverseBindMatrices", "MAT4", (_F32,)).reshape(-1, 4, 4)
    if len(matrices) != len(order):
        raise InputError(
            f"{skin.where}: has {len(matrices)} inverse bind matrices for {len(order)} joints"
        )
    rest = np.tile(np.eye(4, dtype=np.float32), (len(order), 1, 1))
    rest[:, 3, :3] = matrices[:, 3, :3]  # column-major in the file: row 3 is the translation
    if not np.array_equal(rest, matrices):
        raise InputError(f"{skin.where}: inverseBindMatrices turn or scale, expected translations")
    parents = {
        child: parent
        for parent, node in enumerate(nodes)
        for child in (node.items("children") if "children" in node else [])
        if type(child) is int
    }
    joints: list[Joint] = []
    for i, (node_index, matrix) in enumerate(zip(order, matrices, strict=True)):
        parent_node = parents.get(node_index, -1)
        parent = order.index(parent_node) if parent_node in order else -1
        if parent >= i:
            raise InputError(f"{skin.where}: joint {i} comes before its parent")
        # 0 - x: a plain minus would turn a zero into -0.0.
        x, y, z = (float(value) for value in np.float32(0) - matrix[3, :3])
        joints.append(Joint(nodes[node_index].text("name"), parent, (x, y, z)))
    return tuple(joints)


def _material(document: GlbDocument, material: Fields, index: int) -> Material:
    shading = material.object("pbrMetallicRoughness")
    factor = (
        shading.numbers("baseColorFactor", 4)
        if "baseColorFactor" in shading
        else (1.0, 1.0, 1.0, 1.0)
    )
    roughness = shading.number("roughnessFactor", 0, 1) if "roughnessFactor" in shading else 1.0
    texture = None
    if "baseColorTexture" in shading:
        info = document.one("textures", shading.object("baseColorTexture"), "index")
        image = document.one("images", info, "source")
        texture = read_texture(document.bytes_of(image, "bufferView"), image.where, document.budget)
    name = material.text("name") if "name" in material else f"material_{index}"
    return Material(name, texture, (factor[0], factor[1], factor[2]), roughness)
