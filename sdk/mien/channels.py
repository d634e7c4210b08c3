"""Channel names: the canonical 52, and the orders and spellings they have in the wild.

Every table here is a tuple of names in the order its source uses. Values are moved between any two
of them by name, with `reorder`; no index ever crosses a file, a wire or a model.

Traps that names resolve: a Live Link Face CSV has JawRight before JawLeft and MouthRight before
MouthLeft while the same app's UDP stream has them the other way round; MediaPipe has no tongueOut;
ICT-FaceKit has no tongueOut and splits browInnerUp and cheekPuff into two halves each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.errors import ChannelError

__all__ = [
    "A2F",
    "A2F_TONGUE",
    "APPLE_RAW",
    "ARKIT_CHANNELS",
    "EMOTION_CHANNELS",
    "FACEMOTION3D",
    "HEAD_CHANNELS",
    "ICT",
    "IFACIALMOCAP",
    "LIVE_LINK_CSV",
    "LIVE_LINK_UDP",
    "NEUROSYNC",
    "SCORE_NAMES",
    "SPLIT_CHANNELS",
    "TONGUE_CHANNELS",
    "VRM_PERFECT_SYNC",
    "canonical_name",
    "mirror_name",
    "reorder",
]

ARKIT_CHANNELS = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawLeft", "jawRight", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "noseSneerLeft", "noseSneerRight",
    "tongueOut",
)  # fmt: skip
"""ARKit's 52 blendshapes in canonical order, 0..1. Left and right are the character's own."""

HEAD_CHANNELS = (
    "headYaw", "headPitch", "headRoll",
    "leftEyeYaw", "leftEyePitch", "leftEyeRoll",
    "rightEyeYaw", "rightEyePitch", "rightEyeRoll",
)  # fmt: skip
"""Live Link's head and eye angles, radians; signs in `mien.rotation.quaternion_from_angles`."""

EMOTION_CHANNELS = ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
"""What NeuroSync appends to Live Link's 61 values."""

TONGUE_CHANNELS = (
    "tongueTipUp", "tongueTipDown", "tongueTipLeft", "tongueTipRight",
    "tongueRollUp", "tongueRollDown", "tongueRollLeft", "tongueRollRight",
    "tongueUp", "tongueDown", "tongueLeft", "tongueRight",
    "tongueIn", "tongueStretch", "tongueWide", "tongueNarrow",
)  # fmt: skip
"""The tongue shapes that NVIDIA Audio2Face-3D can append to the 52."""

SPLIT_CHANNELS = ("browInnerUp", "cheekPuff")
"""Channels that some sources split into two halves. Joined they are the mean; split, both equal."""


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def _side_suffix(name: str) -> str:
    """eyeBlinkLeft -> eyeBlink_L. The jaw's and mouth's own left and right keep their names."""
    if name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        return name
    return re.sub(r"(Left|Right)$", lambda side: f"_{side[0][0]}", name)


def _swapped(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    partner = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    return tuple(partner.get(name, name) for name in names)


LIVE_LINK_UDP = ARKIT_CHANNELS + HEAD_CHANNELS
"""The 61 values of a Live Link Face UDP packet (which carries no names), canonical order."""

LIVE_LINK_CSV = tuple(
    _pascal(name)
    for name in _swapped(LIVE_LINK_UDP, [("jawLeft", "jawRight"), ("mouthLeft", "mouthRight")])
)
"""The 61 value columns of a Live Link Face CSV: JawRight before JawLeft, MouthRight likewise."""

NEUROSYNC = LIVE_LINK_CSV + tuple(_pascal(name) for name in EMOTION_CHANNELS)
"""NeuroSync's 68: the CSV's 61 and seven emotions."""

SCORE_NAMES = ("_neutral", *sorted(name for name in ARKIT_CHANNELS if name != "tongueOut"))
"""The 52 scores of MediaPipe's blendshape net: `_neutral`, then 51 alphabetical, no tongueOut."""

A2F = tuple(map(_pascal, ARKIT_CHANNELS))
"""NVIDIA Audio2Face-3D's 52, canonical order."""

A2F_TONGUE = A2F + tuple(map(_pascal, TONGUE_CHANNELS))
"""Audio2Face-3D's 68 with its tongue shapes."""

APPLE_RAW = tuple(map(_side_suffix, sorted(ARKIT_CHANNELS)))
"""Apple's raw string values (`eyeBlink_L`), in the alphabetical order of its header."""

IFACIALMOCAP = tuple(map(_side_suffix, ARKIT_CHANNELS))
"""iFacialMocap's spelling. On its wire values are named, in no fixed order, as integer percent."""

FACEMOTION3D = ARKIT_CHANNELS
"""Facemotion3D's spelling; like iFacialMocap's its values are named."""

VRM_PERFECT_SYNC = ARKIT_CHANNELS
"""Custom VRM expressions; tools differ in the case of the first letter, both are understood."""

ICT = tuple(
    part
    for name in sorted(ARKIT_CHANNELS)
    if name != "tongueOut"
    for part in (
        (f"{name}_L", f"{name}_R") if name in SPLIT_CHANNELS else (_side_suffix(name),)
    )
)  # fmt: skip
"""ICT-FaceKit's 53, alphabetical: two channels in halves, no tongueOut."""

_CANONICAL: dict[str, str] = {"_neutral": "_neutral"}
for _name in LIVE_LINK_UDP + EMOTION_CHANNELS + TONGUE_CHANNELS:
    for _spelling in (_name, _side_suffix(_name)):
        _CANONICAL[_spelling] = _CANONICAL[_pascal(_spelling)] = _name
for _name in HEAD_CHANNELS[:3]:  # an early Audio2Face-3D build had these
    _CANONICAL[f"{_pascal(_name)}_deprecated"] = _name
_HALVES: dict[str, tuple[str, str]] = {}
"""Spelling of a half -> (its channel, side)."""
for _name in SPLIT_CHANNELS:
    for _side in ("Left", "Right"):
        for _half in (f"{_name}_{_side[0]}", f"{_name}{_side}"):
            _HALVES[_half] = _HALVES[_pascal(_half)] = (_name, _side)


def canonical_name(name: str) -> str:
    """The canonical name of a channel in any known spelling: `EyeBlink_L` -> `eyeBlinkLeft`.

    A half of a split channel gives the whole (`cheekPuff_L` -> `cheekPuff`).
    Raises ChannelError for a name that no table has.

    >>> canonical_name("eyeBlink_L")
    'eyeBlinkLeft'
    """
    known = _CANONICAL.get(name)
    if known is None and name in _HALVES:
        known = _HALVES[name][0]
    if known is None:
        raise ChannelError(
            f"unknown channel {name!r}: expected one of ARKit's 52 (such as 'jawOpen'), a head or "
            "eye angle (such as 'headYaw'), or one of their known spellings"
        )
    return known


def mirror_name(name: str) -> str:
    """The channel on the other side, canonical spelling; a channel of the middle is its own.

    Head yaw and roll (and those of the eyes) also change their sign under mirroring.
    Raises ChannelError for an unknown name.

    >>> mirror_name("EyeBlinkLeft"), mirror_name("jawOpen")
    ('eyeBlinkRight', 'jawOpen')
    """
    name = canonical_name(name)
    swap = {"Left": "Right", "Right": "Left", "left": "right", "right": "left"}
    return re.sub(r"(Left|Right)$|^(left|right)", lambda side: swap[side[0]], name)


def reorder(
    values: NDArray[np.float32],
    source_names: Sequence[str],
    target_names: Sequence[str],
    missing: float | None = None,
) -> NDArray[np.float32]:
    """Values (..., C) named by `source_names`, as (..., C') named by `target_names`.

    Names meet in their canonical form, whatever the spelling on either side; other names (a rig's
    own extras) must match exactly. Source channels that the target does not have are dropped.
    Halves of a split channel become its mean; a whole gives both halves its value.

    `missing` is the value of target channels that the source does not have. Raises ChannelError
    for a duplicate name, for a missing one when `missing` is None, and, when it is given, for a
    source name that neither side knows (it could be the misspelt one).

    >>> reorder([0.1, 0.2], ["JawOpen", "eyeBlink_L"], ["eyeBlinkLeft", "cheekPuff"], missing=0.0)
    array([0.2, 0. ], dtype=float32)
    """
    values = np.asarray(values, np.float32)
    if values.ndim == 0 or values.shape[-1] != len(source_names):
        raise ChannelError(
            f"reorder: values of shape {values.shape} do not fit {len(source_names)} source names"
        )
    columns = _columns_by_key(source_names)
    _check_duplicates(target_names)
    if missing is not None:
        wanted = {_CANONICAL.get(name, name) for name in target_names}
        for name in source_names:
            if name not in _CANONICAL and name not in _HALVES and name not in wanted:
                raise ChannelError(f"reorder: unknown source channel {name!r}")
    sources = [_sources_of(name, columns) for name in target_names]
    absent = [name for name, found in zip(target_names, sources, strict=True) if not found]
    if absent and missing is None:
        raise ChannelError(
            f"reorder: the source has no {', '.join(absent)}; it has {len(source_names)} channels: "
            f"{', '.join(source_names)}. Give `missing` a value to fill them with"
        )
    out = np.empty((*values.shape[:-1], len(target_names)), np.float32)
    for column, found in enumerate(sources):
        if not found:
            out[..., column] = missing
        elif len(found) == 1:
            out[..., column] = values[..., found[0]]
        else:
            out[..., column] = values[..., found].mean(axis=-1)
    return out


Key = tuple[str, str]
"""(canonical name, side of the half or '')."""


def _key(name: str) -> Key:
    return _HALVES.get(name) or (_CANONICAL.get(name, name), "")


def _check_duplicates(names: Sequence[str]) -> None:
    seen: dict[Key, str] = {}
    for name in names:
        channel, side = _key(name)
        rivals = [(channel, side), *([(channel, "")] if side else [])]
        rivals += [] if side else [(channel, "Left"), (channel, "Right")]
        for rival in rivals:
            if rival in seen:
                raise ChannelError(
                    f"channel {channel!r} is named twice: {seen[rival]!r} and {name!r}"
                )
        seen[(channel, side)] = name


def _columns_by_key(names: Sequence[str]) -> dict[Key, int]:
    _check_duplicates(names)
    return {_key(name): column for column, name in enumerate(names)}


def _sources_of(name: str, columns: dict[Key, int]) -> list[int]:
    """Columns whose mean is the channel `name`; empty where it is missing."""
    channel, side = _key(name)
    candidates = [[(channel, side)]]
    candidates.append([(channel, "")] if side else [(channel, "Left"), (channel, "Right")])
    for keys in candidates:
        if all(key in columns for key in keys):
            return [columns[key] for key in keys]
    return []
