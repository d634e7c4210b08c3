"""Cameras from a file: where each stood, and how it sees.

    {"unit_m": 1.0,
     "cameras": [{"file": "left.mp4", "width": 1920, "height": 1080,
                  "K": [[..3], [..3], [..3]], "camera_from_world": [[..4], [..4], [..4], [..4]],
                  "k1": 0.0, "k2": 0.0, "mask": "left_mask.png"}]}

Axes as OpenCV's: x right, y down, z forward; pixel centres at +0.5 (OpenCV's lie at whole numbers).
`unit_m` is the length of the world's unit in metres; null if nobody knows, and then the face gives
the scale. `mask` (may be left out; of stills only): an image, bright where the head is, beside the
calibration file; a still with an alpha channel carries its own. docs/calibration.md tells users.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.strict_json import Fields, parse_strict
from mien_training.cameras.camera import Camera

__all__ = ["Calibration", "read_calibration", "scaled"]

_SHORTEST = 0.05
"""Of the longer side; a focal length below that is not given in pixels."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """A file of cameras."""

    cameras: dict[str, Camera]
    """File name of a video or image -> its camera; metres, or the world's unit if unknown."""
    unit_m: float | None
    """Length of the file's unit in metres."""
    masks: dict[str, Path] = field(default_factory=dict)
    """File name of an image -> where its mask is, for those that have one."""


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
    fields.only("unit_m", "cameras")
    cameras, masks = {}, {}
    for number, entry in enumerate(listed):
        place = f"{where}: camera {number}"
        if not isinstance(entry, dict):
            raise InputError(f"{place}: expected an object")
        one = Fields(entry, place, InputError)
        one.only("file", "width", "height", "K", "camera_from_world", "k1", "k2", "mask")
        name = one.text("file")
        if name in cameras:
            raise InputError(f"{place}: file {name!r} has a camera already")
        if "mask" in one:
            masks[name] = Path(path).parent / one.text("mask")
        cameras[name] = _camera(one, unit or 1.0)
    return Calibration(cameras, unit, masks)


def _camera(one: Fields, unit_m: float) -> Camera:
    width, height = (one.integer(side, 1, 100_000) for side in ("width", "height"))
    K, pose = _matrix(one, "K", (3, 3)), _matrix(one, "camera_from_world", (4, 4))
    turn = pose[:3, :3]
    rigid = np.allclose(turn @ turn.T, np.eye(3), atol=1e-3) and np.linalg.det(turn) > 0
    if not rigid or not np.allclose(pose[3], (0, 0, 0, 1)):
        raise InputError(
            f"{one.where}: field 'camera_from_world' is not a rotation and a shift, expected "
            "[R t] above (0, 0, 0, 1)"
        )
    focal = min(K[0, 0], K[1, 1]) / max(width, height)
    if not np.allclose(K[2], (0, 0, 1)) or not focal > _SHORTEST:
        raise InputError(
            f"{one.where}: field 'K' is no camera's, expected focal lengths and centre in pixels "
            "above (0, 0, 1)"
        )
    pose[:3, 3] *= unit_m
    bent = [one.number(name, -10, 10) if name in one else 0.0 for name in ("k1", "k2")]
    return Camera(K, pose, width, height, *bent)


def scaled(camera: Camera, factor: float) -> Camera:
    """The same camera in a world whose lengths are multiplied by `factor`."""
    pose = camera.camera_from_world.copy()
    pose[:3, 3] *= factor
    return Camera(camera.K, pose, camera.width, camera.height, camera.k1, camera.k2)


def _matrix(one: Fields, field: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    rows = one.items(field)
    try:
        if not all(type(number) in (int, float) for row in rows for number in row):
            raise ValueError
        matrix = np.array(rows, np.float64)
    except (TypeError, ValueError, OverflowError):
        matrix = np.zeros(0)
    if matrix.shape != shape:
        raise InputError(
            f"{one.where}: field {field!r} must be {shape[0]} rows of {shape[1]} numbers"
        )
    return matrix
