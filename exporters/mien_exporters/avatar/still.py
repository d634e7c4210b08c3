"""One moment of an avatar as a file that splat viewers and engines take; `mien avatar still`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

import mien
from mien.atomic import write_atomically
from mien.avatar.playback.portrait import portrait
from mien.avatar.playback.splat_avatar import SplatAvatar
from mien.channels import HEAD_CHANNELS
from mien.clip import Clip
from mien.errors import InputError
from mien.frame import Frame, frames_from_clip
from mien_exporters.avatar.splats_glb import splats_to_glb
from mien_exporters.avatar.splats_ply import splats_to_ply
from mien_exporters.avatar.splats_spz import splats_to_spz

__all__ = ["StillConfig", "moment", "run"]

_CLOUDS = {".ply": splats_to_ply, ".spz": splats_to_spz, ".glb": splats_to_glb}
_PICTURE = ".png"


@dataclass(frozen=True)
class StillConfig:
    """Write one moment of a character's avatar: Gaussians, or a picture of it."""

    package: Annotated[Path, tyro.conf.Positional]
    """The character, a .mien file or folder."""
    out: Path
    """.ply, .spz or .glb: the Gaussians, in rig space (metres, +Y up). .png: a picture from the
    front, marked as synthetic; needs the extra `avatar`."""
    clip: Path | None = None
    """A recording (.csv, .npz) that says what the face does; without it the head is at rest."""
    time_s: float = 0.0
    """Seconds from the recording's start."""
    size: int = 512
    """Side of a picture, pixels."""
    kind: Literal["splats", "volume"] | None = None
    """Which avatar, where there are several; by default the splats, if there are some. A volume
    gives pictures only."""
    json: bool = False
    """Print one JSON object on stdout and nothing else there."""


def run(config: StillConfig) -> int:
    """Write the file; say what is in it."""
    suffix = config.out.suffix.lower()
    if suffix not in (*_CLOUDS, _PICTURE):
        raise InputError(
            f"--out is {str(config.out)!r}, expected a name ending in one of "
            f"{', '.join((*_CLOUDS, _PICTURE))}"
        )
    character = mien.load(config.package)
    avatar = character.avatar(config.kind)
    if suffix != _PICTURE and not isinstance(avatar, SplatAvatar):
        raise InputError(
            f"--out is {str(config.out)!r}, and the avatar is a {avatar.entry.kind}, which has no "
            f"Gaussians; expected a name ending in {_PICTURE}"
        )
    clip = None if config.clip is None else Clip.read(config.clip)
    frame = moment(character, clip, config.time_s)
    if suffix == _PICTURE:
        camera = portrait(character.rig, config.size, config.size)
        avatar.image(frame, camera, config.size, config.size).write(config.out)
    elif isinstance(avatar, SplatAvatar):
        write_atomically(config.out, _CLOUDS[suffix](avatar.splats(frame)))
    size = config.out.stat().st_size
    count = len(avatar) if isinstance(avatar, SplatAvatar) else 0
    report = {
        "out": str(config.out), "kind": avatar.entry.kind, "gaussians": count, "bytes": size
    }  # fmt: skip
    what = f"{count:,} Gaussians" if count else avatar.entry.kind
    told = f"{config.out}: {character.name}, {what}, {size:,} bytes"
    print(json.dumps(report) if config.json else told)
    return 0


def moment(character: mien.Character, clip: Clip | None, time_s: float) -> Frame:
    """The frame of a recording that is nearest to `time_s` from its start; at rest without one.
    Raises InputError for a time that it does not reach."""
    if clip is None:
        names = (*character.channel_names, *HEAD_CHANNELS)
        clip = Clip(names, np.zeros(1), np.zeros((1, len(names)), np.float32))
        time_s = 0.0
    times = clip.times_s - clip.times_s[0]
    if not 0 <= time_s <= times[-1] + 0.5:
        raise InputError(f"time {time_s:g} s, expected 0 to {times[-1]:g}, the recording's length")
    index = int(np.abs(times - time_s).argmin())
    frames = frames_from_clip(clip, character.channel_names)
    return next(frame for k, frame in enumerate(frames) if k == index)
