"""Cameras from a file: where each stood, and how it sees.

    {"unit_m": 1.0,
     "cameras": [{"file": "left.mp4", "width": 1920, "height": 1080,
                  "K": [[..3], [..3], [..3]], "camera_from_world": [[..4], [..4], [..4], [..4]],
                  "k1": 0.0, "k2": 0.0, "mask": "left_mask.png"}]}

In place of k1 and k2 a camera may have "distortion": {"k1": .., "k2": .., "p1": .., "p2": .., "k3":
.., "k4": .., "k5": .., "k6": ..}, OpenCV's terms, those left out being 0.

Axes as OpenCV's: x right, y down, z forward; pixel centres at +0.5 (OpenCV's lie at whole numbers).
`unit_m` is the length of the world's unit in metres; null if nobody knows, and then the face gives
the scale. `mask` (may be left out; of stills only): an image, bright where the head is, beside the
calibration file; a still with an alpha channel carries its own. docs/calibration.md tells users.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.strict_json import Fields, parse_strict
from mien_training.cameras.camera import Camera
from mien_training.cameras.camera_checks import check_intrinsics, check_pose
from mien_training.cameras.lens import Lens, LensCamera, camera_with_lens, folds

__all__ = ["Calibration", "calibration_json", "read_calibration", "scaled"]

_FIELDS = (
    "file", "width", "height", "K", "camera_from_world", "k1", "k2", "distortion", "mask",
)  # fmt: skip
_LENS_TERMS = tuple(term.name for term in fields(Lens))
_LARGEST_TERM = 1e6
"""Narrow views make large terms; whether a lens can be is seen in the image."""


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
        one.only(*_FIELDS)
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
    check_pose(pose, f"{one.where}: field 'camera_from_world'")
    check_intrinsics(K, width, height, f"{one.where}: field 'K'")
    pose[:3, 3] *= unit_m
    lens, field = _lens(one)
    camera = camera_with_lens(Camera(K, pose, width, height), lens)
    if camera.distorts and folds(camera):
        raise InputError(
            f"{one.where}: field {field} folds the image over itself, expected a lens that "
            "shows every point once"
        )
    return camera


def _lens(one: Fields) -> tuple[Lens, str]:
    """The lens, and what its field is called."""
    radial = [name for name in ("k1", "k2") if name in one]
    if "distortion" not in one:
        return _terms(one, radial), "'k1' or 'k2'"
    if radial:
        raise InputError(
            f"{one.where}: fields 'distortion' and {radial[0]!r}, expected one of the two"
        )
    terms = one.object("distortion")
    terms.only(*_LENS_TERMS)
    return _terms(terms, list(terms.values)), "'distortion'"


def _terms(one: Fields, names: list[str]) -> Lens:
    return Lens(**{name: one.number(name, -_LARGEST_TERM, _LARGEST_TERM) for name in names})


def calibration_json(
    cameras: Mapping[str, Camera], unit_m: float | None, masks: Mapping[str, str] | None = None
) -> bytes:
    """The file of cameras by the names of their films; lengths in units of `unit_m` metres."""
    entries = []
    for name, camera in cameras.items():
        entry: dict[str, Any] = {
            "file": name, "width": camera.width, "height": camera.height, "K": camera.K.tolist(),
            "camera_from_world": camera.camera_from_world.tolist(),
        }  # fmt: skip
        if isinstance(camera, LensCamera):
            entry["distortion"] = {k: v for k, v in asdict(camera.lens).items() if v}
        else:
            entry |= {"k1": camera.k1, "k2": camera.k2}
        if masks and name in masks:
            entry["mask"] = masks[name]
        entries.append(json.dumps(entry))
    listed = ",\n  ".join(entries)
    return f'{{"unit_m": {json.dumps(unit_m)},\n "cameras": [\n  {listed}]}}\n'.encode()


def scaled(camera: Camera, factor: float) -> Camera:
    """The same camera in a world whose lengths are multiplied by `factor`."""
    pose = camera.camera_from_world.copy()
    pose[:3, 3] *= factor
    return replace(camera, camera_from_world=pose)


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
