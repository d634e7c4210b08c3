"""One moment out: channels, head, eyes, detail, confidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mien.blended_map import BlendedMap
from mien.channels import HEAD_CHANNELS, canonical_name, reorder
from mien.clip import Clip
from mien.errors import ChannelError
from mien.rotation import (
    quaternion_from_angles,
    quaternion_from_rotation_vector,
    yaw_pitch_roll_from_quaternion,
)

__all__ = ["LOOK_RAD", "Frame", "eye_rotations", "frames_from_clip"]

Float32Array = NDArray[np.float32]

LOOK_RAD = {"In": 0.63, "Out": 0.58, "Up": 0.45, "Down": 0.62}
"""Turn of an eyeball at weight 1, radians: least squares over a real iPhone recording, which has
both the eyeLook channels and the eyes' angles."""


@dataclass(frozen=True, eq=False)
class Frame:
    """What a session gives back for one moment.

    >>> frame = next(mien.load(SPHERE).drive(TAKE))
    >>> frame.weights
    {'jawOpen': 0.25, 'mouthSmileLeft': 1.0, 'browInnerUp': 0.0}
    >>> frame.values(["mouthSmile_L", "JawOpen"])
    array([1.  , 0.25], dtype=float32)
    """

    time_s: float
    """The time it was asked for."""
    channel_names: tuple[str, ...]
    channels: Float32Array
    """(C,) rig weights, 0..1, named by `channel_names`."""
    head_rotation_xyzw: Float32Array
    """(4,) head relative to the viewing camera, y-up axes; identity looks straight into it."""
    head_translation_m: Float32Array
    """(3,) head in the same axes, metres; zeros where the source did not know it."""
    left_eye_xyzw: Float32Array
    """(4,) eyeball relative to the head. Says what the eyeLook channels say, for hosts that turn
    joints: apply one or the other, never both."""
    right_eye_xyzw: Float32Array
    """(4,) likewise."""
    detail: Float32Array
    """(D,) wrinkle weights; empty for a character without detail."""
    confidence: float
    """How far the frame rests on what was seen, 0..1: the tracker's presence, times the progress of
    the calibration while that runs; it falls to 0 while no face is seen."""
    detail_map: BlendedMap | None = None
    """The skin under `detail`, in frames of a server that was asked for it; else None."""

    @property
    def weights(self) -> dict[str, float]:
        """Channel name -> value, plain floats, for hosts that set weights by name."""
        return dict(zip(self.channel_names, self.channels.tolist(), strict=True))

    def values(self, names: Sequence[str]) -> Float32Array:
        """(N,) float32 in an engine's own order: `names` in any known spelling.

        Channels, and Live Link's head and eye angles (radians) such as `headYaw`. Halves of a split
        channel (`cheekPuff_L`) both get its value. Raises ChannelError for a name that this frame
        does not have.

        >>> next(mien.load(SPHERE).drive(TAKE)).values(["JawOpen", "headYaw"])
        array([0.25, 0.  ], dtype=float32)
        """
        angled, picked = _picked(self.channel_names, tuple(names))
        values = np.concatenate([self.channels, self.head_angles]) if angled else self.channels
        return np.asarray(values @ picked, np.float32)

    @property
    def head_angles(self) -> Float32Array:
        """(9,) HEAD_CHANNELS: yaw, pitch, roll of head, left eye and right eye, radians."""
        turns = np.stack([self.head_rotation_xyzw, self.left_eye_xyzw, self.right_eye_xyzw])
        return yaw_pitch_roll_from_quaternion(turns).astype(np.float32).ravel()

    def __getitem__(self, name: str) -> float:
        """The value of one channel. Raises ChannelError for a name that the character lacks."""
        if name not in self.channel_names:
            canonical = canonical_name(name)
            if canonical not in self.channel_names:
                raise ChannelError(
                    f"no channel {name!r}; this character has {', '.join(self.channel_names)}"
                )
            name = canonical
        return float(self.channels[self.channel_names.index(name)])


def eye_rotations(
    names: Sequence[str], values: NDArray[np.float32]
) -> tuple[Float32Array, Float32Array]:
    """Left and right (..., 4) eyeball rotations that channels (..., C) mean; absent channels are 0.

    The axis lies in the plane of the face (no roll); signs as in rig space, +Y turns to the
    character's own left.
    """
    column = {name: index for index, name in enumerate(names)}

    def look(direction: str, side: str) -> NDArray[np.float64]:
        index = column.get(f"eyeLook{direction}{side}")
        if index is None:
            return np.zeros(np.shape(values)[:-1])
        return LOOK_RAD[direction] * np.asarray(values[..., index], np.float64)

    vectors = []
    for side, outwards in (("Left", 1.0), ("Right", -1.0)):
        down = look("Down", side) - look("Up", side)
        left = outwards * (look("Out", side) - look("In", side))
        vectors.append(np.stack([down, left, np.zeros_like(down)], axis=-1))
    left_eye, right_eye = quaternion_from_rotation_vector(np.stack(vectors)).astype(np.float32)
    return left_eye, right_eye


def frames_from_clip(clip: Clip, channel_names: Sequence[str]) -> Iterator[Frame]:
    """A recording as frames: its own channels by name, 0 where it lacks one; confidence 1.

    Head and eye angles are taken where the clip has them; otherwise the head is straight and the
    eyes follow the eyeLook channels.
    """
    has_eyes = set(HEAD_CHANNELS[3:]) <= set(_canonical(clip.names))
    clip = clip.select((*channel_names, *HEAD_CHANNELS), missing=0.0)
    values = np.ascontiguousarray(clip.values[:, : len(channel_names)])
    angles = clip.values[:, len(channel_names) :].reshape(-1, 3, 3)
    head, left, right = np.moveaxis(quaternion_from_angles(angles), 1, 0).astype(np.float32)
    if not has_eyes:
        left, right = eye_rotations(channel_names, values)
    for i in range(len(clip)):
        yield Frame(
            time_s=float(clip.times_s[i]),
            channel_names=tuple(channel_names),
            channels=values[i],
            head_rotation_xyzw=head[i],
            head_translation_m=np.zeros(3, np.float32),
            left_eye_xyzw=left[i],
            right_eye_xyzw=right[i],
            detail=np.zeros(0, np.float32),
            confidence=1.0,
        )


@lru_cache(maxsize=32)
def _picked(held: tuple[str, ...], names: tuple[str, ...]) -> tuple[bool, Float32Array]:
    """Whether `names` (N,) want head angles, and the (C or C + 9, N) matrix that picks them.

    An engine asks for the same names at every frame: they are looked up once. Raises ChannelError.
    """
    wanted = _canonical(names)
    angled = not set(wanted).isdisjoint(HEAD_CHANNELS)
    both = (*held, *HEAD_CHANNELS) if angled else held
    known = set(_canonical(both))
    for name, canonical in zip(names, wanted, strict=True):
        if canonical not in known:
            raise ChannelError(f"no channel {name!r}; this character has {', '.join(held)}")
    return angled, reorder(np.eye(len(both), dtype=np.float32), both, names)


def _canonical(names: Sequence[str]) -> list[str]:
    known = []
    for name in names:
        try:
            known.append(canonical_name(name))
        except ChannelError:  # a rig's own extra
            known.append(name)
    return known
