"""The meshes of a glTF file as they stand in its scene: world space, every shape by name."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien.glb_document import COMPONENT_TYPES
from mien.rotation import matrix_from_quaternion
from mien.strict_json import Fields
from mien_training.templates.gltf.reading.gltf_file import DRACO, GltfFile
from mien_training.templates.gltf.reading.shape_names import named_channels
from mien_training.templates.gltf.reading.vrm import Binds, vrm_expressions

__all__ = ["Primitive", "read_primitives", "target_names"]

Float64Array = NDArray[np.float64]
_SHOWN = 60
"""Names of targets in a message."""


@dataclass(frozen=True, eq=False)
class Primitive:
    """One primitive, world space, the file's units."""

    names: tuple[str, ...]
    """Names of its material, its node, its mesh and the nodes above it alone, if they have one."""
    vertices: Float64Array
    """(V, 3)."""
    uvs: Float64Array
    """(V, 2), zero without TEXCOORD_0."""
    triangles: NDArray[np.int64]
    """(F, 3), counter-clockwise seen from outside."""
    deltas: Float64Array
    """(52, V, 3) in ARKIT_CHANNELS order; zero where the primitive has no such target."""
    known: frozenset[str]
    """Names of the channels that it has a target for."""


def read_primitives(
    file: GltfFile, shapes: Mapping[str, tuple[str, ...]] | None = None
) -> list[Primitive]:
    """All triangles of `file`; skinned meshes in the pose that their joints have in the file.

    Shapes are targets with ARKit's names (`shape_names`), or those that `shapes` names for a
    channel; what no target is called, VRM expressions with ARKit names may make. Other targets
    stay at their weights in the file. Raises InputError for a file without meshes, with other
    primitives than triangle lists, or without a target that `shapes` names.
    """
    nodes = file.all("nodes")
    binds = _binds(file, shapes or {})
    lines = _ancestors(nodes)
    local = [_local(node) for node in nodes]
    world = []
    for at, line in enumerate(lines):
        place = local[at]
        for parent in line:
            place = local[parent] @ place
        world.append(place)
    # A node above one mesh alone may carry its name; one above several names something else.
    below = Counter(i for k, node in enumerate(nodes) if "mesh" in node for i in lines[k])
    found = [
        _primitive(file, node, primitive, binds[node.integer("mesh")], world, at,
                   [nodes[i] for i in lines[at] if below[i] == 1])
        for at, node in enumerate(nodes)
        if "mesh" in node
        for primitive in file.one("meshes", node, "mesh").objects("primitives")
    ]  # fmt: skip
    if not found:
        raise InputError(f"{file.where}: no node has a mesh")
    return found


def _primitive(
    file: GltfFile, node: Fields, primitive: Fields, binds: Binds, world: list[Float64Array],
    at: int, above: list[Fields],
) -> Primitive:  # fmt: skip
    mesh = file.one("meshes", node, "mesh")
    attributes = primitive.object("attributes")
    packed = primitive.object("extensions") if "extensions" in primitive else None
    if packed is not None and DRACO in packed:
        data, corners = _unpacked(file, packed.object(DRACO))
    else:
        data, corners = {}, None
        if "indices" in primitive:
            corners = file.indices(primitive, "indices")
    types = {"POSITION": "VEC3", "TEXCOORD_0": "VEC2", "JOINTS_0": "VEC4", "WEIGHTS_0": "VEC4"}
    for name, type_ in types.items():
        if name in attributes and name not in data:
            data[name] = file.numbers(attributes, name, type_)
        elif name in attributes:  # the accessor says how to read Draco's integers
            data[name] = _normalised(file.one("accessors", attributes, name), data[name])
    if "POSITION" not in data:
        raise InputError(f"{attributes.where}: field 'POSITION' is missing")
    vertices = data["POSITION"]
    count = len(vertices)
    uvs = data.get("TEXCOORD_0", np.zeros((count, 2)))
    corners = np.arange(count) if corners is None else corners
    mode = primitive.integer("mode") if "mode" in primitive else 4
    if mode != 4 or len(corners) % 3 or corners.max() >= count or corners.min() < 0:
        raise InputError(f"{primitive.where}: expected a list of triangles over its vertices")
    if any(len(table) != count for table in data.values()):
        raise InputError(f"{attributes.where}: the attributes differ in length")
    deltas, posed = _targets(file, node, mesh, primitive, binds, count)
    vertices = vertices + posed
    place = _places(file, node, data, world, at)
    owners = [node, mesh, *above]
    if "material" in primitive:
        owners.insert(0, file.one("materials", primitive, "material"))
    names = [str(owner.values["name"]) for owner in owners if "name" in owner]
    linear = place[..., :3, :3]
    triangles = corners.reshape(-1, 3)
    if np.median(np.linalg.det(linear)) < 0:
        triangles = triangles[:, ::-1]  # mirrored: what was seen clockwise is now seen otherwise
    return Primitive(
        tuple(names),
        np.einsum("...ij,...j->...i", linear, vertices) + place[..., :3, 3],
        uvs,
        triangles,
        np.einsum("...ij,k...j->k...i", linear, deltas),
        frozenset(binds) if "targets" in primitive else frozenset(),
    )


def target_names(file: GltfFile, mesh: Fields) -> tuple[str, ...]:
    """Names of the mesh's targets: the mesh's own, or else those of its first primitive."""
    primitives = mesh.objects("primitives")
    count = max((len(p.items("targets")) for p in primitives if "targets" in p), default=0)
    for owner in (mesh, *primitives):
        extras = owner.values.get("extras")
        names = extras.get("targetNames") if isinstance(extras, dict) else None
        if isinstance(names, list):
            return tuple(map(str, names))[:count]
    return ()


def _binds(file: GltfFile, shapes: Mapping[str, tuple[str, ...]]) -> list[Binds]:
    """Of every mesh, which of its targets make which channel."""
    targets = [target_names(file, mesh) for mesh in file.all("meshes")]
    held = dict.fromkeys(name for names in targets for name in names)
    for channel, wanted in shapes.items():
        missing = next((name for name in wanted if name not in held), None)
        if missing is not None:
            raise InputError(
                f"{file.path}: field 'shapes': no mesh has a morph target {missing!r} (asked for "
                f"as {channel}), expected names of this file: "
                f"{', '.join(list(held)[:_SHOWN]) or 'it has none'}"
            )
    named: list[Binds] = []
    for names in targets:
        channels = named_channels(names, shapes)
        named.append({c: dict.fromkeys(rows, 1.0) for c, rows in channels.items()})
    known = set[str]().union(*named)
    for at, binds in vrm_expressions(file).items():
        if at < len(named):
            named[at] |= {c: rows for c, rows in binds.items() if c not in known}
    return named


def _targets(
    file: GltfFile, node: Fields, mesh: Fields, primitive: Fields, binds: Binds, count: int
) -> tuple[Float64Array, Float64Array]:
    """(52, count, 3) deltas in the mesh's own space, and (count, 3) what its other targets do.

    glTF shows a mesh with the weights of its node, or else its own: a character's build is often
    a target that stands at 1. A face, though, is taken at rest, whatever it does in the file.
    """
    shape = (len(ARKIT_CHANNELS), count, 3)
    file.spend(primitive, 8 * math.prod(shape))
    deltas, posed = np.zeros(shape), np.zeros((count, 3))
    targets = primitive.objects("targets") if "targets" in primitive else []
    held = next((owner for owner in (node, mesh) if "weights" in owner), None)
    weights = held.numbers("weights", len(targets)) if held is not None and targets else ()
    faces = {target for rows in binds.values() for target in rows}

    @cache
    def motion(index: int) -> Float64Array:
        if index >= len(targets):
            raise InputError(f"{primitive.where}: has no target {index}")
        if "POSITION" not in targets[index]:
            return np.zeros((1, 3))
        table = file.numbers(targets[index], "POSITION", "VEC3")
        if len(table) != count:
            raise InputError(f"{targets[index].where}: {len(table)} deltas, expected {count}")
        return table

    for channel, rows in binds.items() if targets else ():
        for index, weight in rows.items():
            deltas[ARKIT_CHANNELS.index(channel)] += weight * motion(index)
    for index, weight in enumerate(weights):
        if weight and index not in faces:
            posed += weight * motion(index)
    return deltas, posed


def _unpacked(file: GltfFile, draco: Fields) -> tuple[dict[str, Float64Array], NDArray[np.int64]]:
    """Attributes by name and corners of a Draco mesh."""
    mesh, wanted = file.draco(draco), draco.object("attributes")
    corners = np.asarray(mesh.faces, np.int64).ravel()
    if not len(corners):
        raise InputError(f"{draco.where}: the Draco mesh has no triangle, expected one or more")
    held = {int(a["unique_id"]): a["data"] for a in mesh.attributes}
    data = {}
    for name in wanted.values:
        unique = wanted.integer(name)
        if unique not in held:
            raise InputError(f"{wanted.where}: the Draco mesh has no attribute {unique} ({name})")
        table = np.asarray(held[unique])
        if not table.size:
            raise InputError(f"{wanted.where}: field {name!r} is empty, expected a row per vertex")
        data[name] = table.reshape(len(table), -1)
    return data, corners


def _normalised(accessor: Fields, table: Float64Array) -> Float64Array:
    """Draco hands integers out wider than the accessor says they are."""
    stored = COMPONENT_TYPES.get(accessor.integer("componentType"), np.dtype("<f4"))
    if accessor.values.get("normalized", False) is True and stored.kind in "iu":
        return np.maximum(table / np.float64(np.iinfo(stored).max), -1.0)
    return table.astype(np.float64)


def _places(
    file: GltfFile, node: Fields, data: dict[str, Float64Array], world: list[Float64Array], at: int
) -> Float64Array:
    """(4, 4) or (V, 4, 4) world_from_mesh: the node's, or the skin's at every vertex.

    A quantised skinned mesh keeps its scale in the skin's inverse bind matrices.
    """
    if "skin" not in node or "JOINTS_0" not in data or "WEIGHTS_0" not in data:
        return np.eye(4) if "skin" in node else world[at]
    skin = file.one("skins", node, "skin")
    joints = [j for j in skin.items("joints") if isinstance(j, int) and 0 <= j < len(world)]
    if len(joints) != len(skin.items("joints")) or not joints:
        raise InputError(f"{skin.where}: field 'joints' names nodes that are not there")
    bind = np.broadcast_to(np.eye(4), (len(joints), 4, 4))
    if "inverseBindMatrices" in skin:
        columns = file.numbers(skin, "inverseBindMatrices", "MAT4").reshape(-1, 4, 4)
        bind = columns.transpose(0, 2, 1)
    indices = data["JOINTS_0"].astype(np.int64)
    if len(bind) < len(joints) or indices.min() < 0 or indices.max() >= len(joints):
        raise InputError(f"{skin.where}: has fewer joints than its mesh or its matrices name")
    posed = np.stack([world[j] @ bind[k] for k, j in enumerate(joints)])
    if np.abs(posed - posed[0]).max() < 1e-5 * max(np.abs(posed[0]).max(), 1e-9):
        # One place for all: bind pose and rest pose agree.
        return np.eye(4) if np.abs(posed[0] - np.eye(4)).max() < 1e-5 else posed[0]
    weights = data["WEIGHTS_0"] / np.maximum(data["WEIGHTS_0"].sum(1, keepdims=True), 1e-9)
    return np.asarray(np.einsum("vk,vkij->vij", weights, posed[indices]))


def _ancestors(nodes: list[Fields]) -> list[list[int]]:
    """Of every node its parent, that one's parent, and so on."""
    parents = {
        child: index
        for index, node in enumerate(nodes)
        for child in (node.items("children") if "children" in node else [])
        if isinstance(child, int)
    }
    lines = []
    for index in range(len(nodes)):
        line: list[int] = []
        while (line[-1] if line else index) in parents and len(line) < len(nodes):
            line.append(parents[line[-1] if line else index])
        lines.append(line)
    return lines


def _local(node: Fields) -> Float64Array:
    if "matrix" in node:
        return np.array(node.numbers("matrix", 16), np.float64).reshape(4, 4).T
    rotation = node.numbers("rotation", 4) if "rotation" in node else (0, 0, 0, 1)
    scale = node.numbers("scale", 3) if "scale" in node else (1, 1, 1)
    local = np.eye(4)
    local[:3, :3] = matrix_from_quaternion(np.array(rotation, np.float64)) * np.array(scale)
    local[:3, 3] = node.numbers("translation", 3) if "translation" in node else 0
    return local
