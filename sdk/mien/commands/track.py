"""`mien track`: video, images or camera in; a clip of ARKit channels and head angles out."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import tyro

from mien.clip import CLIP_SUFFIXES
from mien.commands.live_status import LiveStatus
from mien.commands.source_options import SourceOptions
from mien.errors import InputError, MienError
from mien.interruption import sigterm_interrupts
from mien.track_recorder import TrackRecorder
from mien.video import is_camera

__all__ = ["TrackConfig", "run"]


@dataclass(frozen=True, kw_only=True)
class TrackConfig(SourceOptions):
    """Track the first face of a video, a folder of images, one image or a camera.

    Ctrl-C ends it; what was tracked until then is saved.
    """

    source: Annotated[str, tyro.conf.Positional]
    """Video file, image folder, image file, or camera:N."""
    out: Path | None = None
    """Where the clip goes: .csv (Live Link Face) or .npz. A camera can also just be watched."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out is None:
            if not is_camera(self.source):
                raise InputError("--out names no file to write")
            return
        if self.out.suffix.lower() not in CLIP_SUFFIXES:
            raise InputError(f"--out is {str(self.out)!r}, expected a .csv or .npz file")
        if not self.out.parent.is_dir():
            raise InputError(f"--out {self.out}: there is no folder {str(self.out.parent)!r}")


def run(config: TrackConfig) -> int:
    """Track, write, report."""
    recorder = TrackRecorder()
    interrupted, failure = False, None
    with sigterm_interrupts():
        try:
            with LiveStatus("tracking") as status:
                source = config.open(config.source, status.image)
                status.total = source.count
                with closing(cast(Any, iter(source))) as images:
                    for seen in images:
                        recorder.add(seen)
        except KeyboardInterrupt:
            interrupted = True
        except MienError as error:
            if not (is_camera(config.source) and len(recorder)):
                raise
            failure = error
        seconds = 0.0
        if config.out is not None:
            clip = recorder.clip
            clip.write(config.out)
            seconds = clip.duration_s
    statistics = recorder.statistics
    report = {
        "source": config.source,
        "out": None if config.out is None else str(config.out),
        "frames": statistics.frames,
        **statistics.report(),
        "seconds": seconds,
        "interrupted": interrupted,
    }
    where = config.source if config.out is None else str(config.out)
    text = f"{where}: {'interrupted, kept ' if interrupted else ''}{statistics}"
    if failure is not None:
        raise MienError(f"{failure}; {text}") from failure
    print(json.dumps(report) if config.json else text)
    return 1 if interrupted and not is_camera(config.source) else 0
