"""What belongs to a head: primitives labelled, welded, and without hair, clothes and body."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.head.template import MATERIALS
from mien_training.templates.assemble import Part
from mien_training.templates.gltf.cylinder_uvs import cylinder_uvs
from mien_training.templates.gltf.reading.gltf_primitives import Primitive
from mien_training.templates.placing import Placing

__all__ = [
    "LEFT_OUT", "eye_pair", "label_pieces", "part_rows", "vertex_labels", "weld", "within_reach",
]  # fmt: skip

LEFT_OUT = ""
"""Label of what a head's template does without."""
_WORDS = (
    ("teeth", ("teeth", "tooth", "denture")),
    ("tongue", ("tongue",)),
    (LEFT_OUT, ("hair", "longhair", "shorthair", "fronthair", "sidehair", "backhair", "hairfront",
                "hairside", "hairback", "haircap", "haircard", "hairband", "hairline", "hairstyle",
                "lash", "beard", "mustache", "moustache", "brow", "glasses", "sunglasses",
                "headwear", "facewear", "eyewear", "footwear", "outfit", "cloth", "clothing",
                "shirt", "tshirt", "occlusion", "eyeao", "eyeblend", "eyeedge", "eyeline",
                "eyeshell", "tearline", "cartilage", "saliva")),
    ("eye", ("eye", "sclera", "iris", "cornea", "pupil")),
    ("mouth", ("gum", "mouth", "oral")),
)  # fmt: skip
"""Hair, lashes and brows are sheets that need transparency, clothes and glasses hide the head."""
_AFFIXES = ("eye", "face", "facial", "left", "right", "upper", "lower", "inner", "outer", "ball",
            "white", "cavity", "mesh", "geo", "mat", "l", "r")  # fmt: skip
"""What is written in one word with those of _WORDS: `eyelashes`, `lefteye`, `mouthcavity`."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")
"""`Wolf3D_EyeLeft` -> Wolf, D, Eye, Left."""
_NOT_EYES = {"lid", "lids", "eyelid", "eyelids", "wear"}
_OF_A_PERSON = {"head", "face", "skin", "body"}
"""After `iris` they tell that Iris is somebody's name."""
_LEAST_EYE = 8
"""Vertices of an eyeball."""
_BELOW_M, _AROUND_M = 0.10, 0.25
"""How far under the base of the neck, and around its axis, an average head may reach, metres."""


def label_pieces(
    path: str, pieces: Sequence[Primitive], materials: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """One of MATERIALS, or LEFT_OUT, for each piece.

    `materials` says it first: an entry of MATERIALS -> names; then the first name with a word that
    tells: the material's, the node's, the mesh's; all else is skin. Where shapes move none of that,
    the piece that they move most is the face and not left out. Raises InputError, naming `path`,
    for names that the file does not have.
    """
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
    labels = [
        next((m for m, wanted in materials.items() if set(wanted) & set(piece.names)), None)
        or _label(piece.names)
        for piece in pieces
    ]
    motion = {
        k: float(np.abs(pieces[k].deltas).sum())
        for k, label in enumerate(labels)
        if label in ("skin", LEFT_OUT)
    }
    if motion and not any(motion[k] > 0 for k in motion if labels[k] == "skin"):
        labels[max(motion, key=motion.__getitem__)] = "skin"
    return labels


def _label(names: tuple[str, ...]) -> str:
    for name in names:
        words = _words(name)
        for label, pattern in _PATTERNS:
            if label == "eye" and not _NOT_EYES.isdisjoint(words):
                continue
            if any(pattern.fullmatch(word) for word in words):
                return label
    return "skin"


def _words(name: str) -> list[str]:
    """The words of a name in small letters, and each two neighbours as one: Tear, Line."""
    words = [word.lower() for word in _WORD.findall(name)]
    if "iris" in words and not _OF_A_PERSON.isdisjoint(words[words.index("iris") :]):
        words.remove("iris")
    return words + [a + b for a, b in pairwise(words)]


def _pattern(hints: tuple[str, ...]) -> re.Pattern[str]:
    """Matches in linear time, as every piece is either a hint or an affix."""
    affix = f"(?:{'|'.join(a for a in _AFFIXES if a not in hints)})"
    hint = f"(?:{'|'.join(hints)})(?:e?s)?"
    return re.compile(f"{affix}*{hint}(?:{affix}|{hint})*(?:e?s)?")


_PATTERNS = tuple((label, _pattern(hints)) for label, hints in _WORDS)


def weld(piece: Primitive, label: str, rows: list[int]) -> Part:
    """The primitive with the vertices that UV seams split made one again; unused ones left out.

    Without texture coordinates it gets some (cylinder_uvs). `rows` are those of its deltas that
    are kept.
    """
    used, corners = np.unique(piece.triangles, return_inverse=True)
    corners = corners.reshape(-1, 3)
    moved = np.concatenate([piece.vertices[None, used], piece.deltas[rows][:, used]])
    table = np.ascontiguousarray(moved.transpose(1, 0, 2).reshape(len(used), -1).astype(np.float32))
    _, first, inverse = np.unique(table + 0.0, axis=0, return_index=True, return_inverse=True)
    triangles: NDArray[Any] = inverse.ravel()[corners]
    uvs = piece.uvs[used]
    if not np.ptp(uvs):
        uvs, corners = cylinder_uvs(piece.vertices[used], corners)
    solid = (triangles != np.roll(triangles, 1, axis=1)).all(1)
    pad = np.full((int(solid.sum()), 1), -1, np.int64)
    return Part(
        piece.vertices[used[first]],
        np.concatenate([triangles[solid], pad], 1),
        uvs,
        np.concatenate([corners[solid], pad], 1),
        np.full(len(pad), label),
        piece.deltas[rows][:, used[first]],
    )


def part_rows(part: Part, rows: NDArray[np.bool_], label: str | None = None) -> Part | None:
    """The triangles `rows` (P,) of a part, labelled anew if asked; None where there are none."""
    if not rows.any():
        return None
    polygons, uv_polygons = part.polygons[rows, :3], part.uv_polygons[rows, :3]
    used, corners = np.unique(polygons, return_inverse=True)
    uv_used, uv_corners = np.unique(uv_polygons, return_inverse=True)
    pad = np.full((len(polygons), 1), -1, np.int64)
    return Part(
        part.vertices[used],
        np.concatenate([corners.reshape(-1, 3), pad], 1),
        part.uvs[uv_used],
        np.concatenate([uv_corners.reshape(-1, 3), pad], 1),
        part.label[rows] if label is None else np.full(len(pad), label),
        part.deltas[:, used],
    )


def within_reach(parts: Sequence[Part], placing: Placing) -> list[Part]:
    """The parts without what lies farther from the neck than a head does: body, arms, hands.

    A triangle stays where all of its corners do: those of a body may be long.
    """
    kept = []
    for part in parts:
        at = (part.vertices - placing.origin) / placing.scale
        near = (at[:, 1] > -_BELOW_M) & (np.hypot(at[:, 0], at[:, 2]) < _AROUND_M)
        rows = np.asarray(near[part.polygons[:, :3]].all(axis=1))
        rest = part if rows.all() else part_rows(part, rows)
        kept += [rest] if rest is not None else []
    return kept


def vertex_labels(parts: Sequence[Part]) -> NDArray[np.str_]:
    """(V,) of all parts' vertices, one after the other."""
    return np.concatenate([np.full(len(part.vertices), part.label[0], "<U8") for part in parts])


def eye_pair(parts: Sequence[Part]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Vertices of the left and of the right eyeball; None without a pair."""
    vertices = np.concatenate([part.vertices for part in parts])
    label = vertex_labels(parts)
    eyes = np.flatnonzero(label == "eye")
    moved = np.concatenate([np.abs(part.deltas).max((0, 2), initial=0.0) > 0 for part in parts])
    face = vertices[(label == "skin") & moved, 0]
    middle = face.mean() if len(face) else 0.0
    left, right = eyes[vertices[eyes, 0] > middle], eyes[vertices[eyes, 0] < middle]
    return (left, right) if min(len(left), len(right)) >= _LEAST_EYE else None
