"""Cameras from a file: where each stood, and how it sees.

    {"unit_m": 1.0,
     "cameras": [{"file": "left.mp4", "width": 1920, "height": 1080,
                  "K": [[..3], [..3], [..3]], "camera_from_world": [[..4], [..4], [..4], [..4]],
                  "k1": 0.0, "k2": 0.0, "mask": "left_mask.png"}]}

OpenCV's conventions: x right, y down, z forward, pixel centres at +0.5. `unit_m` is the length of
the world's unit in metres; null if nobody knows, and then the face gives the scale. `mask` (may be
left out; of stills only): a picture, bright where the head is, beside the calibration file; a still
with an alpha channel carries its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.strict_json import Fields, parse_strict
from mien_training.rendering.camera import Camera

__all__ = ["Calibration", "read_calibration", "scaled"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A file of cameras."""

    cameras: dict[str, Camera]
    """File name of a video or picture -> its camera; metres, or the world's unit if unknown."""
    unit_m: float | None
    """Length of the file's unit in metres."""
    masks: dict[str, Path] = field(default_factory=dict)
    """File name of a picture -> where its mask is, for those that have one."""


def read_calibration(path: str | Path) -> Calibration:
    """Raises InputError, naming file, camera and field, for anything but the above."""
    where = str(path)
    try:
        data = Path(path).read_bytes()
    except OSError as reason:
        raise InputError(f"{where}: cannot be read ({reason.strerror})") from None
    fields = Fields(parse_strict(data, where, InputError), where, InputError)
    unit = None if fields.values.get("unit_m") is None else fields.number("unit_m", 1e-6, 1e6)
    listed = fields.values.get("cameras")
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{where}: field 'cameras' must be a list with at least one camera")
    cameras, masks = {}, {}
    for number, entry in enumerate(listed):
        place = f"{where}: camera {number}"
        if not isinstance(entry, dict):
            raise InputError(f"{place}: expected an object")
        one = Fields(entry, place, InputError)
        name = one.text("file")
        if name in cameras:
            raise InputError(f"{place}: file {name!r} has a camera already")
        pose = _matrix(entry, "camera_from_world", (4, 4), place)
        if not np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-3):
            raise InputError(f"{place}: field 'camera_from_world' is not a rotation and a shift")
        pose[:3, 3] *= unit or 1.0
        if "mask" in entry:
            masks[name] = Path(path).parent / one.text("mask")
        cameras[name] = Camera(
            _matrix(entry, "K", (3, 3), place),
            pose,
            int(one.number("width", 1, 100_000)),
            int(one.number("height", 1, 100_000)),
            one.number("k1", -10, 10) if "k1" in entry else 0.0,
            one.number("k2", -10, 10) if "k2" in entry else 0.0,
        )
    return Calibration(cameras, unit, masks)


def scaled(camera: Camera, factor: float) -> Camera:
    """The same camera in a world whose lengths are multiplied by `factor`."""
    pose = camera.camera_from_world.copy()
    pose[:3, 3] *= factor
    return Camera(camera.K, pose, camera.width, camera.height, camera.k1, camera.k2)


def _matrix(
    entry: dict[str, object], field: str, shape: tuple[int, int], place: str
) -> NDArray[np.float64]:
    try:
        matrix = np.array(entry[field], np.float64)
    except KeyError:
        raise InputError(f"{place}: field {field!r} is missing") from None
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.shape != shape or not np.isfinite(matrix).all():
        raise InputError(f"{place}: field {field!r} must be {shape[0]} rows of {shape[1]} numbers")
    return matrix
