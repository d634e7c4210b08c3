"""A driven take: what was seen, and what the character did; and who can write it to which file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.clip import CLIP_SUFFIXES, Clip
from mien.errors import InputError, MissingExtraError
from mien.frame import Frame
from mien.frame_table import FrameTable

if TYPE_CHECKING:
    from mien.avatar.playback.splat_avatar import SplatAvatar
    from mien.avatar.playback.volume_avatar import VolumeAvatar
    from mien.detail import DetailMaps
    from mien.rig import Rig

__all__ = ["Rigged", "Take", "check_takes", "is_preview", "write_order", "write_take"]

TakeWriter = Callable[[Path, "Take"], None]

_WRITERS_IN = {".glb": "export", ".gif": "train", ".mp4": "train", ".png": "train"}
"""File suffix -> the extra whose package brings a writer (entry-point group mien.take_writers)."""


_PREVIEWS = (".png", ".gif", ".mp4")
"""Images, in the order of their cost: they show the driver's landmarks, and take long."""


class Rigged(Protocol):
    """What a take needs of its character."""

    @property
    def name(self) -> str:
        """The character's name."""

    @property
    def rig(self) -> Rig:
        """Mesh, blendshapes and joints."""

    @property
    def detail_names(self) -> tuple[str, ...]:
        """Wrinkle regions; none without skin detail."""

    def detail_maps(self, size: int = 256) -> DetailMaps:
        """Displacement maps of the skin."""

    def avatar(self) -> SplatAvatar | VolumeAvatar:
        """The photoreal avatar: the splats where there are some, else the volume."""


@dataclass(frozen=True, eq=False)
class Take:
    """One character driven by one source, frame by frame."""

    character: Rigged
    frames: Sequence[Frame]
    """In order of time; `FrameTable` keeps long ones small."""
    landmarks: tuple[NDArray[np.float32] | None, ...] = ()
    """Per frame the driver's (478, 2) landmarks in image pixels, None where no face was seen; empty
    when they were not kept or a clip drove."""
    image_size: tuple[int, int] = (0, 0)
    """(width, height) of the driving images, pixels; (0, 0) when a clip drove."""
    source: str = ""
    """The driving video or clip, as it was named."""
    avatar: bool = False
    """Whether previews show the photoreal avatar in place of the mesh."""

    @property
    def clip(self) -> Clip:
        """Channels, then HEAD_CHANNELS (radians), at the frames' own times.

        Raises InputError when there are no frames.
        """
        frames = self.frames
        return (frames if isinstance(frames, FrameTable) else FrameTable(frames)).clip


def is_preview(path: Path) -> bool:
    """Whether the file shows the character, and the driver's landmarks beside it."""
    return path.suffix.lower() in _PREVIEWS


def write_order(path: Path) -> int:
    """Sorts files so that an interruption loses little: the quick ones first, previews last."""
    suffix = path.suffix.lower()
    return _PREVIEWS.index(suffix) + 1 if suffix in _PREVIEWS else 0


def check_takes(paths: Sequence[Path]) -> None:
    """Raises InputError for no files, an unknown suffix, and a folder that is not there."""
    if not paths:
        raise InputError("--out names no file to write")
    for path in paths:
        if path.suffix.lower() not in (*CLIP_SUFFIXES, *_WRITERS_IN):
            known = ", ".join([*CLIP_SUFFIXES, *_WRITERS_IN])
            raise InputError(
                f"cannot write a take to {str(path)!r}: the suffix must be one of {known}"
            )
        if not path.parent.is_dir():
            raise InputError(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}")


def write_take(path: Path, take: Take) -> None:
    """Write by suffix: .csv and .npz here; .glb, .gif, .mp4 and .png through installed extras.

    Raises as `check_takes`, and MissingExtraError where an extra is missing.
    """
    check_takes((path,))
    suffix = path.suffix.lower()
    if suffix in CLIP_SUFFIXES:
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
