"""Any glTF head whose morph targets carry ARKit names, in any known spelling."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS, canonical_name
from mien.errors import ChannelError, InputError
from mien.glb_document import GlbDocument
from mien.rotation import matrix_from_quaternion
from mien.strict_json import Fields
from mien_training.head.template import Template
from mien_training.templates.assemble import (
    Part,
    absent_landmarks,
    concatenate_parts,
    mirror_map,
)
from mien_training.templates.placing import place_by_eyes, without_rigid_motion

__all__ = ["build_gltf"]

_FLOAT, _INDICES = (5126,), (5121, 5123, 5125)
_LEAST_SHAPES = 10
"""Fewer ARKit names than this are no face rig."""
_WORDS = (
    ("teeth", ("teeth", "tooth")),
    ("tongue", ("tongue",)),
    ("eye", ("eye", "sclera", "iris", "cornea", "pupil")),
    ("mouth", ("gum", "mouthcavity", "mouth_cavity", "mouth", "oral")),
)
_NOT_EYES = ("brow", "lash", "lid", "eyeblend", "occlusion")


@dataclass(frozen=True, eq=False)
class _Piece:
    """One primitive, world space, metres."""

    label: str
    vertices: NDArray[np.float64]
    uvs: NDArray[np.float64]
    triangles: NDArray[np.int64]
    deltas: NDArray[np.float64]
    """(52, V, 3), canonical order; zero where the primitive has no such target."""
    known: frozenset[str]


def build_gltf(path: Path) -> Template:
    """The head in `path` (.glb, or .gltf with its buffers), without landmark correspondences.

    Units are metres, +Y up, face along +Z, as glTF asks. Teeth, tongue, eyes and mouth are told
    by the names of materials, nodes or meshes; all else is skin. Raises InputError without ARKit
    names or without two eyeballs of their own.
    """
    document = _document(path)
    pieces = [
        piece
        for node, world_from_node in _mesh_nodes(document)
        for piece in _pieces(document, node, world_from_node)
    ]
    known = frozenset[str]().union(*(piece.known for piece in pieces))
    names = tuple(n for n in ARKIT_CHANNELS if n in known)
    if len(names) < _LEAST_SHAPES:
        raise InputError(
            f"{path}: {len(names)} morph targets carry ARKit names ({', '.join(names) or 'none'}); "
            "expected mesh.extras.targetNames such as 'jawOpen', 'eyeBlinkLeft', 'mouthSmile_L'"
        )
    rows = [ARKIT_CHANNELS.index(n) for n in names]
    parts = [_welded(piece, rows) for piece in pieces]
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    vertices = np.concatenate([part.vertices for part in parts])
    deltas = np.concatenate([part.deltas for part in parts], axis=1)
    label = np.concatenate(
        [np.full(len(part.vertices), part.label[0], "<U8") for part in parts if len(part.label)]
    )
    eyes = np.flatnonzero(label == "eye")
    middle = vertices[label == "skin", 0].mean() if (label == "skin").any() else 0.0
    left, right = eyes[vertices[eyes, 0] > middle], eyes[vertices[eyes, 0] < middle]
    if min(len(left), len(right)) < 8:
        raise InputError(
            f"{path}: no pair of eyeballs; expected two meshes or materials named like 'eye'"
        )
    placing = place_by_eyes(vertices, (left, right), ~np.isin(label, ("skin", "eye")))
    height = vertices[:, 1] - placing.origin[1]
    eye_height = placing.joints[3].position[1]
    skull = (label == "skin") & (height > 1.4 * eye_height)
    deltas = without_rigid_motion(vertices, deltas, skull) if skull.sum() >= 4 else deltas
    whole = concatenate_parts(
        [
            Part(p.vertices - placing.origin, p.polygons, p.uvs, p.uv_polygons, p.label,
                 deltas[:, start : start + len(p.vertices)])
            for p, start in zip(parts, offsets, strict=False)
        ]
    )  # fmt: skip
    return whole.template(
        name=path.stem,
        licence=str(document.json.object("asset").values.get("copyright", "unknown")),
        mirror=mirror_map(whole.vertices, whole.triangles),
        landmarks=absent_landmarks(),
        joints=placing.joints,
        joint_weights=placing.joint_weights,
        jaw_pivot=placing.jaw_pivot,
        shape_names=names,
        identity=None,
    )


def _document(path: Path) -> GlbDocument:
    if path.suffix.lower() == ".glb":
        return GlbDocument(path.read_bytes(), path.name)
    try:
        gltf = pygltflib.GLTF2().load(str(path))
        with warnings.catch_warnings():  # it warns that the .bin file is not needed any more
            warnings.simplefilter("ignore", UserWarning)
            gltf.convert_buffers(pygltflib.BufferFormat.BINARYBLOB)
        return GlbDocument(b"".join(gltf.save_to_bytes()), path.name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as reason:
        raise InputError(f"{path}: not a readable glTF file ({reason})") from None


def _mesh_nodes(document: GlbDocument) -> list[tuple[Fields, NDArray[np.float64]]]:
    """Nodes that carry a mesh, with their (4, 4) world transform."""
    nodes = document.all("nodes")
    children = {
        int(child): index
        for index, node in enumerate(nodes)
        for child in (node.items("children") if "children" in node else [])
    }
    found = []
    for index, node in enumerate(nodes):
        if "mesh" not in node:
            continue
        world, at = np.eye(4), index
        if "skin" not in node:  # a skinned mesh stands where its joints are, at rest as authored
            for _ in range(len(nodes)):
                world = _local(nodes[at]) @ world
                if at not in children:
                    break
                at = children[at]
        found.append((node, world))
    if not found:
        raise InputError(f"{document.where}: no node has a mesh")
    return found


def _local(node: Fields) -> NDArray[np.float64]:
    if "matrix" in node:
        return np.array(node.items("matrix"), np.float64).reshape(4, 4).T
    local = np.eye(4)
    rotation = node.items("rotation") if "rotation" in node else [0, 0, 0, 1]
    scale = node.items("scale") if "scale" in node else [1, 1, 1]
    local[:3, :3] = matrix_from_quaternion(np.array(rotation, np.float64)) * np.array(scale)
    local[:3, 3] = node.items("translation") if "translation" in node else 0
    return local


def _pieces(
    document: GlbDocument, node: Fields, world_from_node: NDArray[np.float64]
) -> list[_Piece]:
    mesh = document.one("meshes", node, "mesh")
    target_names = mesh.object("extras").texts("targetNames") if _has_names(mesh) else ()
    linear = world_from_node[:3, :3]
    pieces = []
    for primitive in mesh.objects("primitives"):
        attributes = primitive.object("attributes")
        vertices = document.accessor(attributes, "POSITION", "VEC3", _FLOAT).astype(np.float64)
        count = len(vertices)
        uvs = np.zeros((count, 2))
        if "TEXCOORD_0" in attributes:
            uvs = document.accessor(attributes, "TEXCOORD_0", "VEC2", _FLOAT).astype(np.float64)
        corners = np.arange(count)
        if "indices" in primitive:
            corners = document.accessor(primitive, "indices", "SCALAR", _INDICES).astype(np.int64)
        mode = primitive.integer("mode") if "mode" in primitive else 4
        if mode != 4 or len(corners) % 3 or int(corners.max()) >= count or len(uvs) != count:
            raise InputError(f"{primitive.where}: expected a list of triangles over its vertices")
        deltas = np.zeros((len(ARKIT_CHANNELS), count, 3))
        known = set()
        targets = primitive.objects("targets") if "targets" in primitive else []
        for target, target_name in zip(targets, target_names, strict=False):
            try:
                channel = canonical_name(target_name)
            except ChannelError:
                continue
            if channel in ARKIT_CHANNELS and "POSITION" in target:
                motion = document.accessor(target, "POSITION", "VEC3", _FLOAT)
                if len(motion) != count:
                    raise InputError(f"{target.where}: {len(motion)} deltas, expected {count}")
                deltas[ARKIT_CHANNELS.index(channel)] += motion @ linear.T
                known.add(channel)
        words = [_text(node), _text(mesh)]
        if "material" in primitive:
            words.insert(0, _text(document.one("materials", primitive, "material")))
        pieces.append(
            _Piece(
                _label(words), vertices @ linear.T + world_from_node[:3, 3], uvs,
                corners.reshape(-1, 3), deltas, frozenset(known),
            )
        )  # fmt: skip
    return pieces


def _has_names(mesh: Fields) -> bool:
    return "extras" in mesh and "targetNames" in mesh.object("extras")


def _text(owner: Fields) -> str:
    return owner.text("name", empty=True).lower() if "name" in owner else ""


def _label(words: list[str]) -> str:
    """One of MATERIALS from the first name that tells: the material's, the node's, the mesh's."""
    for word in words:
        for label, hints in _WORDS:
            if any(hint in word for hint in hints) and not (
                label == "eye" and any(other in word for other in _NOT_EYES)
            ):
                return label
    return "skin"


def _welded(piece: _Piece, rows: list[int]) -> Part:
    """The primitive with the vertices that UV seams split made one again; unused ones left out."""
    used, corners = np.unique(piece.triangles, return_inverse=True)
    corners = corners.reshape(-1, 3)
    moved = np.concatenate([piece.vertices[None, used], piece.deltas[rows][:, used]])
    table = np.ascontiguousarray(moved.transpose(1, 0, 2).reshape(len(used), -1).astype(np.float32))
    _, first, inverse = np.unique(table + 0.0, axis=0, return_index=True, return_inverse=True)
    triangles: NDArray[Any] = inverse.ravel()[corners]
    solid = (triangles != np.roll(triangles, 1, axis=1)).all(1)
    pad = np.full((int(solid.sum()), 1), -1, np.int64)
    return Part(
        piece.vertices[used[first]],
        np.concatenate([triangles[solid], pad], 1),
        piece.uvs[used],
        np.concatenate([corners[solid], pad], 1),
        np.full(len(pad), piece.label),
        piece.deltas[rows][:, used[first]],
    )
