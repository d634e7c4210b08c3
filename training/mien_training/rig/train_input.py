"""What `mien train rig` is called with, as recordings of calibrated cameras in metres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.errors import InputError
from mien_training.rig.calibration import Calibration, read_calibration, scaled
from mien_training.rig.head_mask import head_mask
from mien_training.rig.observations import Recording
from mien_training.rig.video_input import NoFaceError, read_recording
from mien_training.rig.world_scale import metres_per_unit
from mien_training.templates import Template

__all__ = ["read_recordings"]


def read_recordings(
    sources: Sequence[Path],
    cameras: Path | None,
    template: Template,
    size: int,
    most_frames: int,
    warn: Callable[[str], None],
    progress: Callable[[Path, int, int], None] | None = None,
) -> list[Recording]:
    """One recording of each source that shows a face; `warn` is told of the others.

    cameras: calibration file, needed for more than one source. progress: called with source,
    frames done and frames in all. Raises InputError where no source shows a face, or where the
    calibration lacks one.
    """
    if cameras is None and len(sources) > 1:
        raise InputError(
            f"train rig: {len(sources)} cameras need --cameras FILE, which says where they stood"
        )
    calibration = Calibration({}, 1.0) if cameras is None else read_calibration(cameras)
    found: list[Recording] = []
    for source in sources:
        camera = calibration.cameras.get(source.name)
        if cameras is not None and camera is None:
            raise InputError(
                f"{cameras}: no camera for {source.name!r}; it has "
                f"{', '.join(sorted(calibration.cameras))}"
            )

        def report(done: int, total: int, source: Path = source) -> None:
            if progress is not None:
                progress(source, done, total)

        mask = head_mask(source, calibration.masks.get(source.name))
        try:
            found.append(read_recording(source, size, camera, most_frames, report, mask))
        except NoFaceError as reason:
            if len(sources) == 1:
                raise
            warn(f"{reason}; left out")
    if not found:
        raise InputError(f"train rig: no face in any of {', '.join(s.name for s in sources)}")
    return _in_metres(template, found) if calibration.unit_m is None else found


def _in_metres(template: Template, recordings: list[Recording]) -> list[Recording]:
    """The world's unit from the first frames, which are taken to show one moment."""
    cameras = [r.camera for r in recordings]
    first = [r.points[0] for r in recordings if r.points is not None]
    unit = metres_per_unit(template, cameras, np.stack(first).astype(np.float64))
    return [replace(r, camera=scaled(r.camera, unit)) for r in recordings]
