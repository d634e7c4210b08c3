"""Any glTF head whose morph targets carry ARKit names, in any known spelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.head.template import MATERIALS, Template
from mien_training.templates.assemble import (
    Part,
    absent_landmarks,
    concatenate_parts,
    mirror_map,
)
from mien_training.templates.gltf.find_eyes import find_eyes
from mien_training.templates.gltf.gltf_file import GltfFile
from mien_training.templates.gltf.gltf_primitives import Primitive, read_primitives
from mien_training.templates.gltf.placed_landmarks import landmarks_from_points
from mien_training.templates.placing import place_by_eyes, turn_eyeball, without_rigid_motion

__all__ = ["build_gltf"]

_LEAST_SHAPES = 10
"""Fewer ARKit names than this are no face rig."""
_LEAST_EYE = 8
"""Vertices of an eyeball."""
_STILL_M = 1e-4
_WORDS = (
    ("teeth", ("teeth", "tooth")),
    ("tongue", ("tongue",)),
    ("eye", ("eye", "sclera", "iris", "cornea", "pupil")),
    ("mouth", ("gum", "mouthcavity", "mouth_cavity", "mouth", "oral")),
)
_NOT_EYES = ("brow", "lash", "lid", "eyeblend", "occlusion", "wear", "glass")


def build_gltf(
    path: Path,
    materials: Mapping[str, tuple[str, ...]] | None = None,
    landmarks: Mapping[str, int | tuple[float, float, float]] | None = None,
) -> Template:
    """The head in `path` (.glb, or .gltf with its buffers); landmark correspondences if given.

    Units are metres, +Y up, face along +Z, as glTF asks; compressed and quantised files are
    unpacked (GltfFile). Teeth, tongue, eyes and mouth are told by the names of materials, nodes
    or meshes; all else is skin. `materials` says it instead where given: an entry of MATERIALS ->
    names. Eyes without such names are found by motion, shape and place (find_eyes), and turned
    where the eyeLook targets move only the lids. `landmarks` are places by name, as in
    HeadDescription. Raises InputError without ARKit names, without two eyeballs of their own, and
    for landmarks that are not on the head.
    """
    pieces = read_primitives(file := GltfFile(path))
    known = frozenset[str]().union(*(piece.known for piece in pieces))
    names = tuple(n for n in ARKIT_CHANNELS if n in known)
    if len(names) < _LEAST_SHAPES:
        raise InputError(
            f"{path}: {len(names)} morph targets carry ARKit names ({', '.join(names) or 'none'}); "
            "expected mesh.extras.targetNames such as 'jawOpen', 'eyeBlinkLeft', 'mouthSmile_L'"
        )
    rows = [ARKIT_CHANNELS.index(n) for n in names]
    given = _given(path, pieces, materials or {})
    labels = [g or _label(piece.names) for piece, g in zip(pieces, given, strict=True)]
    parts = [_welded(piece, label, rows) for piece, label in zip(pieces, labels, strict=True)]
    parts = [part for part in parts if len(part.label)]
    if _pair(parts) is None:
        eyes = find_eyes(parts, names)
        if eyes is not None:
            parts = [p for part, eye in zip(parts, eyes, strict=True) for p in _cut(part, eye)]
    pair = _pair(parts)
    if pair is None:
        held = sorted({name for piece in pieces for name in piece.names})
        raise InputError(
            f"{path}: no pair of eyeballs: no two meshes or materials are named like 'eye', no two "
            "parts are turned by the eyeLook targets, and no two are balls beside each other; name "
            "them in a description file (--template HEAD.json): "
            '{"head": "' + path.name + '", "materials": {"eye": [...]}}, with names of this file: '
            f"{', '.join(held[:40]) or 'it has none'}"
        )
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    vertices = np.concatenate([part.vertices for part in parts])
    deltas = np.concatenate([part.deltas for part in parts], axis=1)
    label = _vertex_labels(parts)
    for side, ball in zip(("Left", "Right"), pair, strict=True):
        looks = [k for k, n in enumerate(names) if n.startswith("eyeLook") and n.endswith(side)]
        if np.abs(deltas[looks][:, ball]).max(initial=0.0) < _STILL_M:
            turn_eyeball(vertices, ball, side, names, deltas)
    placing = place_by_eyes(vertices, pair, ~np.isin(label, ("skin", "eye")))
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
    template = whole.template(
        name=path.stem,
        licence=str(file.json.object("asset").values.get("copyright", "unknown")),
        mirror=mirror_map(whole.vertices, whole.triangles),
        landmarks=absent_landmarks(),
        joints=placing.joints,
        joint_weights=placing.joint_weights,
        jaw_pivot=placing.jaw_pivot,
        shape_names=names,
        identity=None,
    )
    if landmarks is None:
        return template
    places = _places(path, pieces, given, landmarks)
    at = {name: place - placing.origin for name, place in places.items()}
    return replace(template, landmarks=landmarks_from_points(template, at))


def _places(
    path: Path, pieces: list[Primitive], given: list[str | None],
    landmarks: Mapping[str, int | tuple[float, float, float]],
) -> dict[str, NDArray[np.float64]]:  # fmt: skip
    """(3,) places in the file's world space; a number is a vertex of the largest skin primitive."""
    skins = [p for p, g in zip(pieces, given, strict=True) if (g or _label(p.names)) == "skin"]
    face = max(skins, key=lambda piece: len(piece.vertices), default=None)
    places = {}
    for name, value in landmarks.items():
        if isinstance(value, tuple):
            places[name] = np.array(value)
        elif face is None or value >= len(face.vertices):
            count = 0 if face is None else len(face.vertices)
            raise InputError(f"{path}: landmark {name!r} is vertex {value} of {count}")
        else:
            places[name] = face.vertices[value]
    return places


def _given(
    path: Path, pieces: list[Primitive], materials: Mapping[str, tuple[str, ...]]
) -> list[str | None]:
    """What the user says each piece is; None where nothing is said."""
    unknown = sorted(set(materials) - set(MATERIALS))
    if unknown:
        raise InputError(f"{path}: there is no material {unknown[0]!r}, expected {MATERIALS}")
    held = {name for piece in pieces for name in piece.names}
    for material, wanted in materials.items():
        missing = sorted(set(wanted) - held)
        if missing:
            raise InputError(
                f"{path}: no material, node or mesh is called {missing[0]!r} (asked for as "
                f"{material}); there are {', '.join(sorted(held)) or 'none'}"
            )
    return [
        next((m for m, wanted in materials.items() if set(wanted) & set(piece.names)), None)
        for piece in pieces
    ]


def _vertex_labels(parts: list[Part]) -> NDArray[np.str_]:
    return np.concatenate([np.full(len(part.vertices), part.label[0], "<U8") for part in parts])


def _pair(parts: list[Part]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Vertices of the left and of the right eyeball; None without a pair."""
    vertices = np.concatenate([part.vertices for part in parts])
    label = _vertex_labels(parts)
    eyes = np.flatnonzero(label == "eye")
    middle = vertices[label == "skin", 0].mean() if (label == "skin").any() else 0.0
    left, right = eyes[vertices[eyes, 0] > middle], eyes[vertices[eyes, 0] < middle]
    return (left, right) if min(len(left), len(right)) >= _LEAST_EYE else None


def _cut(part: Part, eye: NDArray[np.bool_]) -> list[Part]:
    """The part without those polygons, and they as a part of their own, labelled eye."""
    if not eye.any():
        return [part]
    halves = []
    for rows, label in ((~eye, None), (eye, "eye")):
        if not rows.any():
            continue
        polygons, uv_polygons = part.polygons[rows, :3], part.uv_polygons[rows, :3]
        used, corners = np.unique(polygons, return_inverse=True)
        uv_used, uv_corners = np.unique(uv_polygons, return_inverse=True)
        pad = np.full((len(polygons), 1), -1, np.int64)
        halves.append(
            Part(
                part.vertices[used],
                np.concatenate([corners.reshape(-1, 3), pad], 1),
                part.uvs[uv_used],
                np.concatenate([uv_corners.reshape(-1, 3), pad], 1),
                part.label[rows] if label is None else np.full(len(pad), label),
                part.deltas[:, used],
            )
        )
    return halves


def _label(names: tuple[str, ...]) -> str:
    """One of MATERIALS from the first name that tells: the material's, the node's, the mesh's."""
    for word in (name.lower() for name in names):
        for label, hints in _WORDS:
            if any(hint in word for hint in hints) and not (
                label == "eye" and any(other in word for other in _NOT_EYES)
            ):
                return label
    return "skin"


def _welded(piece: Primitive, label: str, rows: list[int]) -> Part:
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
        np.full(len(pad), label),
        piece.deltas[rows][:, used[first]],
    )
