"""What `mien train rig` is called with, as recordings of calibrated cameras in metres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.video import IMAGE_SUFFIXES, count_frames
from mien_training.cameras.calibration import Calibration, read_calibration, scaled
from mien_training.footage.head_mask import head_mask
from mien_training.footage.metric_scale import metres_per_unit
from mien_training.footage.observations import CameraRecording
from mien_training.footage.video import NoFaceError, read_recording
from mien_training.head import Template
from mien_training.runs.content_key import file_digest
from mien_training.runs.progress import Report, silent
from mien_training.runs.stages import Stages

__all__ = ["footage_digests", "read_recordings"]

_SELDOM = 0.5
"""Share of frames with a face below which somebody should look at the recording."""
_APART_S = 0.05
"""Frames of two cameras that close show one moment, for the size of the world."""


def read_recordings(
    sources: Sequence[Path],
    cameras: Path | None,
    template: Template,
    size: int,
    most_frames: int,
    warn: Callable[[str], None],
    report: Report = silent,
    stages: Stages | None = None,
) -> list[CameraRecording]:
    """One recording of each source that shows a face; `warn` is told of the others.

    cameras: calibration file, needed for more than one source. stages: keep what was tracked, see
    `read_recording`. Raises InputError where no source shows a face, or where the calibration lacks
    one.
    """
    calibration = _calibration(sources, cameras)
    masks = _check(sources, cameras, calibration)
    found: list[CameraRecording] = []
    for source, mask in zip(sources, masks, strict=True):
        camera = calibration.cameras.get(source.name)
        try:
            recording = read_recording(source, size, camera, most_frames, report, mask, stages)
            found.append(recording)
            shown, count = _shown(recording), len(recording.times_s)
            if shown < _SELDOM * count:
                warn(f"{source}: a face in {shown} of {count} frames only")
        except NoFaceError as reason:
            if len(sources) == 1:
                raise
            warn(f"{reason}; left out")
    if not found:
        raise InputError(f"train rig: no face in any of {', '.join(s.name for s in sources)}")
    if calibration.unit_m is not None or len(found) == 1:
        return found  # one camera: the world is as large as one likes, the head is in metres
    try:
        return _in_metres(template, found)
    except InputError as reason:
        raise InputError(f"{cameras}: field 'unit_m' is not known, and {reason}") from None


def footage_digests(sources: Sequence[Path], cameras: Path | None) -> dict[str, str]:
    """SHA-256 of the sources, the calibration file and the masks it names, by what they are.

    Raises InputError as `read_recordings` does for what is missing.
    """
    calibration = _calibration(sources, cameras)
    _check(sources, cameras, calibration)
    digests = {f"footage {source.name}": file_digest(source) for source in sources}
    if cameras is not None:
        digests["cameras"] = file_digest(cameras)
    masks = {s.name: calibration.masks[s.name] for s in sources if s.name in calibration.masks}
    return digests | {f"mask of {name}": file_digest(path) for name, path in masks.items()}


def _calibration(sources: Sequence[Path], cameras: Path | None) -> Calibration:
    """As the file has it; none for one camera without a file."""
    if cameras is None and len(sources) > 1:
        raise InputError(
            f"train rig: {len(sources)} cameras need --cameras FILE, which says where they stood"
        )
    duplicates = sorted({s.name for s in sources if [t.name for t in sources].count(s.name) > 1})
    if duplicates:
        raise InputError(
            f"train rig: two files are called {duplicates[0]!r}; cameras are told apart by the "
            "names of their files"
        )
    return Calibration({}, 1.0) if cameras is None else read_calibration(cameras)


def _shown(recording: CameraRecording) -> int:
    """Frames with a face."""
    points = recording.points
    return 0 if points is None else int(np.isfinite(points).all((1, 2)).sum())


def _check(
    sources: Sequence[Path], cameras: Path | None, calibration: Calibration
) -> list[NDArray[np.bool_] | None]:
    """Masks of all sources; what is missing is said before anything is tracked."""
    for source in sources:
        if cameras is not None and source.name not in calibration.cameras:
            raise InputError(
                f"{cameras}: no camera for {source.name!r}; it has "
                f"{', '.join(sorted(calibration.cameras))}"
            )
        count_frames(source)
    stills = [s for s in sources if s.suffix.lower() in IMAGE_SUFFIXES]
    if stills and len(stills) < len(sources):
        films = ", ".join(s.name for s in sources if s not in stills)
        raise InputError(
            f"train rig: {stills[0].name} is an image and {films} is not, expected videos "
            "alone or images alone"
        )
    return [head_mask(source, calibration.masks.get(source.name)) for source in sources]


def _in_metres(template: Template, recordings: list[CameraRecording]) -> list[CameraRecording]:
    """The world's unit from the first moment that shows the face to two cameras."""
    cameras = [r.camera for r in recordings]
    moment = _common_moment(recordings)
    pixels = [_points_at(r, moment) for r in recordings]
    unit = metres_per_unit(template, cameras, np.stack(pixels))
    return [
        replace(
            r,
            camera=scaled(r.camera, unit),
            source=None if r.source is None else r.source.in_metres(unit),
        )
        for r in recordings
    ]


def _common_moment(recordings: list[CameraRecording]) -> float:
    times = np.unique(np.concatenate([r.times_s for r in recordings]))
    for time_s in times:
        if sum(np.isfinite(_points_at(r, time_s)).all() for r in recordings) > 1:
            return float(time_s)
    return float(times[0])


def _points_at(recording: CameraRecording, time_s: float) -> NDArray[np.float64]:
    """(478, 2) of the frame at that time, NaN if there is none."""
    nearest = int(np.abs(recording.times_s - time_s).argmin())
    if recording.points is None or abs(recording.times_s[nearest] - time_s) > _APART_S:
        return np.full((478, 2), np.nan)
    return np.asarray(recording.points[nearest], np.float64)
