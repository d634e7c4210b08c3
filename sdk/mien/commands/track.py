"""`mien track`: video, images or camera in; a clip of ARKit channels and head angles out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from mien.channels import ARKIT_CHANNELS, HEAD_CHANNELS, SCORE_NAMES, reorder
from mien.clip import Clip
from mien.driving import SeenFrame, watch
from mien.errors import InputError, MienError
from mien.rotation import yaw_pitch_roll_from_quaternion

__all__ = ["TrackConfig", "clip_from_seen", "run"]


@dataclass(frozen=True)
class TrackConfig:
    """Track the first face of a video, a folder of images, one image or a camera."""

    source: Annotated[str, tyro.conf.Positional]
    """Video file, image folder, image file, or camera:N."""
    out: Path
    """Where the clip goes: .csv (Live Link Face) or .npz."""
    limit: int | None = None
    """Stop after this many frames."""
    json: bool = False
    """Print one JSON object on stdout and nothing else there."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise InputError(f"--limit is {self.limit}, expected 1 or more")
        if self.out.suffix.lower() not in (".csv", ".npz"):
            raise InputError(f"--out is {str(self.out)!r}, expected a .csv or .npz file")
        if not self.out.parent.is_dir():
            raise InputError(f"--out {self.out}: there is no folder {str(self.out.parent)!r}")


def clip_from_seen(seen: list[SeenFrame]) -> Clip:
    """Scores as ARKit channels by name (tongueOut, which has no score, is 0) and head angles.

    Frames without a face are left out; their neighbours keep their true times.
    """
    tracked = [(frame.time_s, frame.track) for frame in seen if frame.track is not None]
    if not tracked:
        raise MienError(f"no face was found in any of the {len(seen)} frames")
    scores = np.stack([track.scores for _, track in tracked])
    channels = reorder(scores, SCORE_NAMES, ARKIT_CHANNELS, missing=0.0)
    angles = np.zeros((len(tracked), len(HEAD_CHANNELS)), np.float32)
    for row, (_, track) in enumerate(tracked):
        angles[row, :3] = yaw_pitch_roll_from_quaternion(track.head_rotation_xyzw)
    return Clip(
        names=(*ARKIT_CHANNELS, *HEAD_CHANNELS),
        times_s=np.array([time_s for time_s, _ in tracked], np.float64),
        values=np.concatenate([channels, angles], axis=1).astype(np.float32),
    )


def run(config: TrackConfig) -> int:
    """Track, write, report."""
    seen = list(watch(config.source, limit=config.limit))
    clip = clip_from_seen(seen)
    clip.write(config.out)
    report = {
        "source": config.source,
        "out": str(config.out),
        "frames": len(seen),
        "tracked": len(clip.times_s),
        "seconds": float(clip.times_s[-1] - clip.times_s[0]),
    }
    if config.json:
        print(json.dumps(report))
    else:
        print(f"{report['out']}: {report['tracked']} of {report['frames']} frames tracked")
    return 0
