"""The frames of a recording, kept as rows of numbers: a tenth of what Frame objects cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np

from mien.channels import HEAD_CHANNELS
from mien.clip import Clip
from mien.errors import InputError
from mien.frame import Frame
from mien.rotation import yaw_pitch_roll_from_quaternion
from mien.row_buffer import RowBuffer

__all__ = ["FrameTable"]

_POSE = 16  # head rotation 4, head translation 3, two eyes 4 each, confidence


class FrameTable(Sequence[Frame]):
    """A growing sequence of frames of one character: 4 bytes a value, about 300 bytes a frame."""

    def __init__(self, frames: Iterable[Frame] = ()) -> None:
        self.channel_names: tuple[str, ...] = ()
        self._rows: RowBuffer | None = None
        for frame in frames:
            self.append(frame)

    def append(self, frame: Frame) -> None:
        """One more frame. Raises InputError for a frame with other channels than the first."""
        if self._rows is None:
            self.channel_names = frame.channel_names
            self._rows = RowBuffer(len(frame.channels) + _POSE + len(frame.detail))
        elif frame.channel_names != self.channel_names:
            raise InputError("frames of different characters cannot be one recording")
        pose = (
            frame.head_rotation_xyzw, frame.head_translation_m, frame.left_eye_xyzw,
            frame.right_eye_xyzw, [frame.confidence],
        )  # fmt: skip
        self._rows.append(frame.time_s, np.concatenate([frame.channels, *pose, frame.detail]))

    def __len__(self) -> int:
        return 0 if self._rows is None else len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, index: int | slice) -> Frame | tuple[Frame, ...]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return tuple(self[i] for i in places)
        assert self._rows is not None
        time_s, row = self._rows.row(places)
        c = len(self.channel_names)
        head, move, left, right, sure = np.split(row[c : c + _POSE], [4, 7, 11, 15])
        return Frame(
            time_s=time_s,
            channel_names=self.channel_names,
            channels=row[:c],
            head_rotation_xyzw=head,
            head_translation_m=move,
            left_eye_xyzw=left,
            right_eye_xyzw=right,
            detail=row[c + _POSE :],
            confidence=float(sure[0]),
        )

    @property
    def clip(self) -> Clip:
        """Channels, then HEAD_CHANNELS (radians), at the frames' own times.

        Raises InputError when there are no frames.
        """
        if self._rows is None:
            raise InputError("a take has no frames: nothing to write")
        c, values = len(self.channel_names), self._rows.values
        turns = [values[:, c + at : c + at + 4] for at in (0, 7, 11)]
        angles = np.concatenate([yaw_pitch_roll_from_quaternion(q) for q in turns], axis=1)
        return Clip(
            names=(*self.channel_names, *HEAD_CHANNELS),
            times_s=self._rows.times_s,
            values=np.concatenate([values[:, :c], angles.astype(np.float32)], axis=1),
        )
