"""Any glTF head whose morph targets carry ARKit names, however a tool spells, turns or packs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien.frame import LOOK_RAD
from mien_training.head.template import Template
from mien_training.templates.assemble import (
    Part,
    absent_landmarks,
    concatenate_parts,
    mirror_map,
)
from mien_training.templates.gltf.find_eyes import find_eyes
from mien_training.templates.gltf.head_parts import (
    LEFT_OUT,
    eye_pair,
    label_pieces,
    part_rows,
    vertex_labels,
    weld,
    within_reach,
)
from mien_training.templates.gltf.placed_landmarks import landmarks_from_points
from mien_training.templates.gltf.reading.gltf_file import GltfFile
from mien_training.templates.gltf.reading.gltf_primitives import (
    Primitive,
    read_primitives,
    target_names,
)
from mien_training.templates.gltf.reading.vrm import vrm_licence
from mien_training.templates.gltf.standing import stand_upright
from mien_training.templates.placing import place_by_eyes, turn_eyeball, without_rigid_motion

__all__ = ["build_gltf"]

Float64Array = NDArray[np.float64]
Landmarks = Mapping[str, int | tuple[float, float, float]]
_LEAST_SHAPES = 10
"""Fewer of ARKit's shapes than this are no face rig."""
_STILL_M = 1e-4
_NOTHING_M = 1e-6
"""A shape that moves nothing farther than this is none."""
_LOOKS = tuple(f"eyeLook{way}{side}" for way in LOOK_RAD for side in ("Left", "Right"))


def build_gltf(
    path: Path,
    materials: Mapping[str, tuple[str, ...]] | None = None,
    landmarks: Landmarks | None = None,
    shapes: Mapping[str, tuple[str, ...]] | None = None,
) -> Template:
    """The head in `path` (.glb, .vrm, or .gltf with its buffers); landmarks if given.

    Compressed and quantised files are unpacked (GltfFile); shapes are found in any spelling
    (shape_names), in VRM expressions, or where `shapes` says; a head in other units, turned, or
    with swapped sides is stood upright (standing). Teeth, tongue, eyes and mouth are told by the
    names of materials, nodes or meshes, or by `materials`; hair, clothes and body are left out
    (head_parts); all else is skin. Eyes without such names are found by motion, shape and place
    (find_eyes), and turned where no eyeLook target turns them. `landmarks` are as in
    HeadDescription. What was changed, and which of ARKit's shapes are missing, is in the
    template's notes. Raises InputError unless ten or more of ARKit's shapes move the head, without
    two eyeballs of their own, and for landmarks that are not on the head.
    """
    file = GltfFile(path)
    source = read_primitives(file, shapes)
    known = frozenset[str]().union(*(piece.known for piece in source))
    if len(known) < _LEAST_SHAPES:
        raise InputError(_without_shapes(file, known))
    standing = stand_upright(source)
    labels = label_pieces(str(path), standing.pieces, materials or {})
    names = tuple(n for n in ARKIT_CHANNELS if n in known or n in _LOOKS)
    rows = [ARKIT_CHANNELS.index(n) for n in names]
    parts = [
        weld(piece, label, rows)
        for piece, label in zip(standing.pieces, labels, strict=True)
        if label != LEFT_OUT
    ]
    parts = [part for part in parts if len(part.label)]
    if not parts:
        raise InputError(
            f"{path}: every triangle of the head's meshes has two corners in one place, expected "
            "corners in three places"
        )
    parts = _with_eyes(parts, names)
    pair = eye_pair(parts)
    if pair is None:
        raise InputError(_without_eyes(path, source))
    near = within_reach(parts, place_by_eyes(*_concatenated(parts, pair)))
    changes = list(standing.notes)
    if sum(len(p.label) for p in near) < sum(len(p.label) for p in parts):
        changes.append("its body was cut off below the neck")
        parts, pair = near, eye_pair(near) if near else None
    if pair is None or not any((part.label == "skin").any() for part in parts):
        raise InputError(_without_eyes(path, source))  # what passed for eyes is far from any head
    vertices, _, bound = _concatenated(parts, pair)
    placing = place_by_eyes(vertices, pair, bound)
    deltas = _deltas(parts, pair, names, vertices, vertices[:, 1] - placing.origin[1],
                     1.4 * placing.joints[3].position[1])  # fmt: skip
    moving = np.abs(deltas).max((1, 2)) > _NOTHING_M
    # Before looks were made for eyes that no target turns.
    far = np.max([np.abs(p.deltas).max((1, 2), initial=0.0) for p in parts], axis=0)
    own = frozenset(n for n, m in zip(names, moving & (far > _NOTHING_M), strict=True) if m)
    if len(own) < _LEAST_SHAPES:
        raise InputError(_without_shapes(file, own, " and move the head"))
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    whole = concatenate_parts(
        [
            Part(p.vertices - placing.origin, p.polygons, p.uvs, p.uv_polygons, p.label,
                 deltas[moving, start : start + len(p.vertices)])
            for p, start in zip(parts, offsets, strict=False)
        ]
    )  # fmt: skip
    kept = tuple(n for n, moves in zip(names, moving, strict=True) if moves)
    copyright_ = file.json.object("asset").values.get("copyright")
    template = whole.template(
        name=path.stem,
        licence=str(copyright_ or vrm_licence(file) or "unknown"),
        mirror=mirror_map(whole.vertices, whole.triangles),
        landmarks=absent_landmarks(),
        joints=placing.joints,
        joint_weights=placing.joint_weights,
        jaw_pivot=placing.jaw_pivot,
        shape_names=kept,
        identity=None,
        notes=_notes(path, changes, standing.pieces, labels, kept),
    )
    if landmarks is None:
        return template
    skins = [p for p, label in zip(source, labels, strict=True) if label == "skin"]
    places = _places(path, max(skins, key=lambda p: len(p.vertices), default=None), landmarks)
    upright = standing.upright_from_source
    at = {name: upright.points(place) - placing.origin for name, place in places.items()}
    return replace(template, landmarks=landmarks_from_points(template, at))


def _with_eyes(parts: list[Part], names: tuple[str, ...]) -> list[Part]:
    """The parts, eyeballs that no name tells cut out of them."""
    eyes = None if eye_pair(parts) is not None else find_eyes(parts, names)
    if eyes is None:
        return parts
    halves = [
        half
        for part, eye in zip(parts, eyes, strict=True)
        for half in (part_rows(part, ~eye), part_rows(part, eye, "eye"))
    ]
    return [half for half in halves if half is not None]


def _concatenated(
    parts: list[Part], pair: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[Float64Array, tuple[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]:
    """What place_by_eyes takes."""
    vertices = np.concatenate([part.vertices for part in parts])
    return vertices, pair, ~np.isin(vertex_labels(parts), ("skin", "eye"))


def _deltas(
    parts: list[Part], pair: tuple[NDArray[np.int64], NDArray[np.int64]], names: tuple[str, ...],
    vertices: Float64Array, height: Float64Array, crown: float,
) -> Float64Array:  # fmt: skip
    """(K, V, 3) of all parts: eyes turned, the motion of the whole head taken out.

    height (V,) of the vertices over the neck's base; the skull begins at `crown`.
    """
    deltas = np.concatenate([part.deltas for part in parts], axis=1)
    for side, ball in zip(("Left", "Right"), pair, strict=True):
        looks = [k for k, n in enumerate(names) if n in _LOOKS and n.endswith(side)]
        if np.abs(deltas[looks][:, ball]).max(initial=0.0) < _STILL_M:
            turn_eyeball(vertices, ball, side, names, deltas)
    skull = (vertex_labels(parts) == "skin") & (height > crown)
    return without_rigid_motion(vertices, deltas, skull) if skull.sum() >= 4 else deltas


def _notes(
    path: Path, changes: Sequence[str], pieces: Sequence[Primitive], labels: Sequence[str],
    kept: tuple[str, ...],
) -> tuple[str, ...]:  # fmt: skip
    """What a user should know of how this head was read."""
    notes = [f"{path.name}: {note}" for note in changes]
    out = {
        piece.names[0] if piece.names else "a part without a name"
        for piece, label in zip(pieces, labels, strict=True)
        if label == LEFT_OUT
    }
    if out:
        notes.append(f"{path.name}: left out of the head: {', '.join(sorted(out))}")
    missing = [name for name in ARKIT_CHANNELS if name not in kept]
    if missing:
        notes.append(
            f"{path.name}: {len(missing)} of ARKit's 52 shapes are missing, and the character will "
            f"do without them: {', '.join(missing)}"
        )
    return tuple(notes)


def _without_shapes(file: GltfFile, known: frozenset[str], which: str = "") -> str:
    held = dict.fromkeys(n for mesh in file.all("meshes") for n in target_names(file, mesh))
    return (
        f"{file.path}: {len(known)} morph targets carry ARKit names{which} "
        f"({', '.join(sorted(known)) or 'none'}), expected {_LEAST_SHAPES} or more such as "
        "'jawOpen', 'eyeBlinkLeft', 'mouthSmile_L' in mesh.extras.targetNames or in VRM "
        "expressions; give the head ARKit's shapes, or say which of its targets they are in a "
        "description file (--template HEAD.json): "
        f'{{"head": "{file.path.name}", "shapes": {{"jawOpen": [...]}}}}, with names of this '
        f"file: {', '.join(list(held)[:60]) or 'it has none'}"
    )


def _without_eyes(path: Path, pieces: list[Primitive]) -> str:
    held = sorted({name for piece in pieces for name in piece.names})
    return (
        f"{path}: no pair of eyeballs: no two meshes or materials are named like 'eye', no two "
        "parts are turned by the eyeLook targets, and no two are balls beside each other; name "
        "them in a description file (--template HEAD.json): "
        f'{{"head": "{path.name}", "materials": {{"eye": [...]}}}}, with names of this file: '
        f"{', '.join(held[:40]) or 'it has none'}"
    )


def _places(path: Path, face: Primitive | None, landmarks: Landmarks) -> dict[str, Float64Array]:
    """(3,) places in the file's world space; a number is a vertex of `face`."""
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
