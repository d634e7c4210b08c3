"""A driven take: what was seen, and what the character did; and who can write it to which file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.channels import HEAD_CHANNELS
from mien.clip import Clip
from mien.errors import InputError, MissingExtraError
from mien.rotation import yaw_pitch_roll_from_quaternion

if TYPE_CHECKING:
    from mien.character import Character
    from mien.session import Frame

__all__ = ["Take", "check_takes", "clip_from_frames", "write_take"]

TakeWriter = Callable[[Path, "Take"], None]

_CLIPS = (".csv", ".npz")
_WRITERS_IN = {".glb": "export", ".mp4": "train", ".png": "train"}
"""File suffix -> the extra whose package brings a writer (entry-point group mien.take_writers)."""


@dataclass(frozen=True, eq=False)
class Take:
    """One character driven by one source, frame by frame."""

    character: Character
    frames: tuple[Frame, ...]
    landmarks: tuple[NDArray[np.float32] | None, ...]
    """Per frame the driver's (478, 3) landmarks in image pixels; None where no face was seen."""
    image_size: tuple[int, int]
    """(width, height) of the driving images, pixels; (0, 0) when a clip drove."""
    source: str = ""
    """The driving video or clip, as it was named."""

    @property
    def clip(self) -> Clip:
        """Channels, head and eye angles over time."""
        return clip_from_frames(self.frames)


def clip_from_frames(frames: tuple[Frame, ...]) -> Clip:
    """The frames' channels followed by HEAD_CHANNELS (radians), at the frames' own times."""
    if not frames:
        raise InputError("a take has no frames: nothing to write")
    angles = np.stack(
        [
            np.concatenate([yaw_pitch_roll_from_quaternion(q) for q in (
                frame.head_rotation_xyzw, frame.left_eye_xyzw, frame.right_eye_xyzw)])
            for frame in frames
        ]
    )  # fmt: skip
    values = np.concatenate([np.stack([frame.channels for frame in frames]), angles], axis=1)
    return Clip(
        names=(*frames[0].channel_names, *HEAD_CHANNELS),
        times_s=np.array([frame.time_s for frame in frames], np.float64),
        values=values.astype(np.float32),
    )


def check_takes(paths: Sequence[Path]) -> None:
    """Raises InputError for no files, an unknown suffix, and a folder that is not there."""
    if not paths:
        raise InputError("--out names no file to write")
    for path in paths:
        if path.suffix.lower() not in (*_CLIPS, *_WRITERS_IN):
            known = ", ".join([*_CLIPS, *_WRITERS_IN])
            raise InputError(
                f"cannot write a take to {str(path)!r}: the suffix must be one of {known}"
            )
        if not path.parent.is_dir():
            raise InputError(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}")


def write_take(path: Path, take: Take) -> None:
    """Write by suffix: .csv and .npz here; .glb, .mp4 and .png through installed extras.

    Raises as `check_takes`, and MissingExtraError where an extra is missing.
    """
    check_takes((path,))
    suffix = path.suffix.lower()
    if suffix in _CLIPS:
        take.clip.write(path)
        return
    for entry in entry_points(group="mien.take_writers", name=suffix.lstrip(".")):
        try:
            writer: TakeWriter = entry.load()
        except ImportError:
            break
        writer(path, take)
        return
    extra = _WRITERS_IN[suffix]
    raise MissingExtraError(f"writing {suffix} needs mien's `{extra}`: pip install 'mien[{extra}]'")
