"""A few seconds of a take as an animated GIF, small enough for a README or a chat."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mien.atomic import write_atomically
from mien.avatar.playback.splat_avatar import SplatAvatar
from mien.avatar.playback.volume_avatar import VolumeAvatar
from mien.detail import DetailMaps
from mien.errors import InputError
from mien.rig import Rig
from mien.take import Take
from mien_training.rendering.preview import (
    PreviewFrame,
    PreviewStage,
    preview_frames,
    shown_avatar,
    skin_detail,
)

__all__ = ["liveliest", "preview_gif", "write_preview_gif"]

LONGEST_S = 5.0
RATE_HZ = 12.5
"""GIF counts in hundredths of a second: 8 of them a frame."""
_SIDE = 224
_COLOURS = 128


def liveliest(frames: Sequence[PreviewFrame], seconds: float) -> list[PreviewFrame]:
    """The stretch of at most `seconds` in which weights and head move most, in sum."""
    if not frames:
        raise InputError("liveliest: there are no frames")
    still = np.array([0.0, 0.0, 0.0, 1.0], np.float32)
    turns = [still if f.head_rotation_xyzw is None else f.head_rotation_xyzw for f in frames]
    x = np.concatenate([np.stack([f.weights for f in frames]), 3 * np.stack(turns)[:, :3]], 1)
    travelled = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(x, axis=0), axis=1)))
    times = np.array([f.time_s for f in frames])
    ends = np.searchsorted(times, times + seconds, side="right") - 1
    start = int((travelled[ends] - travelled).argmax())
    return list(frames[start : int(ends[start]) + 1])


def preview_gif(
    rig: Rig, frames: Sequence[PreviewFrame], side: int = _SIDE, detail: DetailMaps | None = None,
    avatar: SplatAvatar | VolumeAvatar | None = None,
) -> bytes:  # fmt: skip
    """Driver (if there is one) beside the character, at RATE_HZ, for ever from the start.

    Each image shows the last frame before its time; with an avatar the file's comment says that it
    is synthetic. Raises InputError for no frames.
    """
    if not frames:
        raise InputError("preview_gif: there are no frames")
    times = np.array([f.time_s for f in frames])
    count = max(round((times[-1] - times[0]) * RATE_HZ), 1)
    shown = np.searchsorted(times, times[0] + np.arange(count) / RATE_HZ + 1e-6, side="right") - 1
    stage = PreviewStage(rig, frames, side, detail, avatar)
    images = [Image.fromarray(stage.panels(frames[i])) for i in shown]
    # One palette for all: colours that change from frame to frame flicker.
    few = images[:: max(len(images) // 8, 1)]
    sheet = Image.fromarray(np.concatenate([np.asarray(image) for image in few]))
    palette = sheet.quantize(_COLOURS, Image.Quantize.MEDIANCUT)
    indexed = [i.quantize(palette=palette, dither=Image.Dither.NONE) for i in images]
    buffer = io.BytesIO()
    indexed[0].save(
        buffer, "GIF", save_all=True, append_images=indexed[1:], loop=0,
        duration=round(1000 / RATE_HZ), optimize=False,
        comment=b"" if avatar is None else avatar.entry.synthetic_mark.encode(),
    )  # fmt: skip
    return buffer.getvalue()


def write_preview_gif(path: Path, take: Take) -> None:
    """Take writer of .gif: the liveliest five seconds (entry point `mien.take_writers`)."""
    frames = liveliest(preview_frames(take), LONGEST_S)
    character = take.character
    detail, avatar = skin_detail(character), shown_avatar(take)
    gif = preview_gif(character.rig, frames, detail=detail, avatar=avatar)
    write_atomically(path, gif)
