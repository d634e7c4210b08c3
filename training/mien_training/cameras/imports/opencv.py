"""YAML of OpenCV's FileStorage (`%YAML:1.0`, `!!opencv-matrix`), and of ROS's camera_info.

Conventions: x right, y down, z forward; R and T, or rvec and tvec, or a 4 x 4 matrix take the world
to the camera; pixel centres lie at whole numbers, so that 0.5 is added to the principal point. The
fields have several names in use; what other fields say is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien.strict_json import Fields
from mien_training.cameras.imports.foreign_camera import (
    OPENCV_CENTRES,
    ForeignCamera,
    Pinhole,
    foreign_camera,
)
from mien_training.cameras.imports.yaml_tree import matrix_in, numbers_in, parse_yaml
from mien_training.cameras.lens import Lens

__all__ = ["read_opencv"]

Float64Array = NDArray[np.float64]

_MATRIX = ("camera_matrix", "K", "Camera_Matrix", "intrinsic_matrix")
_LENS = ("distortion_coefficients", "dist_coeffs", "D", "Distortion_Coefficients")
_SIZE = ("image_size", "resolution")
_WIDTH, _HEIGHT = ("image_width", "width"), ("image_height", "height")
_POSE = ("extrinsics", "extrinsic", "camera_from_world")
_TURN, _SHIFT = ("R",), ("T", "t")
_NAME = ("file", "camera_name", "name")
_LENS_MODELS = ("plumb_bob", "rational_polynomial", "radtan", "none", "opencv")
_OF_POSE = "R and T, rvec and tvec, or extrinsics (4 x 4), from the world to the camera"


@dataclass(frozen=True)
class _Entry:
    """One camera's fields, and what it is called without a name of its own."""

    fields: Fields
    name: str


def read_opencv(paths: Sequence[Path]) -> list[ForeignCamera]:
    """The cameras of all files: one each, or a map or list of several.

    A single camera needs no pose. Raises InputError, naming file and field, for anything else.
    """
    entries = [entry for path in paths for entry in _entries(path)]
    found: list[ForeignCamera] = []
    for entry in entries:
        camera = _camera(entry, alone=len(entries) == 1)
        if any(camera.picture == other.picture for other in found):
            raise InputError(
                f"{entry.fields.where}: a camera {camera.picture!r} is there already, expected "
                "cameras, or files, of different names"
            )
        found.append(camera)
    return found


def _entries(path: Path) -> list[_Entry]:
    where = str(path)
    try:
        tree = parse_yaml(path.read_bytes(), where)
    except OSError as reason:
        raise InputError(f"{where}: cannot be read ({reason.strerror})") from None
    if _has_intrinsics(tree):
        return [_Entry(Fields(tree, where, InputError), path.stem)]
    listed: Any = tree.get("cameras", tree)
    if isinstance(listed, list):
        listed = {str(number): value for number, value in enumerate(listed)}
    found = [
        _Entry(Fields(value, f"{where}: camera {name}", InputError), name)
        for name, value in (listed.items() if isinstance(listed, dict) else ())
        if _has_intrinsics(value) or "cameras" in tree
    ]
    if not found:
        raise InputError(
            f"{where}: no camera: expected field {_either(_MATRIX)}, or a map or list of cameras "
            f"with it; it has {', '.join(list(tree)[:12]) or 'nothing'}"
        )
    return found


def _has_intrinsics(value: object) -> bool:
    return isinstance(value, dict) and any(name in value for name in _MATRIX)


def _camera(entry: _Entry, alone: bool) -> ForeignCamera:
    fields = entry.fields
    name_field = _one_of(fields, _NAME)
    name = entry.name if name_field is None else fields.text(name_field)
    width, height = _size(fields)
    K = matrix_in(fields, _needed(fields, _MATRIX), (3, 3))
    pinhole = Pinhole(
        width, height, float(K[0, 0]), float(K[1, 1]), float(K[0, 2]) + OPENCV_CENTRES,
        float(K[1, 2]) + OPENCV_CENTRES, float(K[0, 1]),
    )  # fmt: skip
    if K[1, 0] != 0 or not np.allclose(K[2], (0, 0, 1)):
        raise InputError(
            f"{fields.where}: field {_one_of(fields, _MATRIX)!r} is no camera matrix, expected "
            "fx 0 cx, 0 fy cy, 0 0 1"
        )
    return foreign_camera(name, pinhole, _lens(fields), _pose(fields, alone), fields.where)


def _size(fields: Fields) -> tuple[int, int]:
    together = _one_of(fields, _SIZE)
    if together is not None:
        numbers = numbers_in(fields, together, 2)
        if not all(number.is_integer() and 1 <= number <= 100_000 for number in numbers):
            raise InputError(
                f"{fields.where}: field {together!r} is {list(numbers)}, expected width and "
                "height, 1 to 100000 pixels"
            )
        return int(numbers[0]), int(numbers[1])
    sides = _needed(fields, _WIDTH), _needed(fields, _HEIGHT)
    return fields.integer(sides[0], 1, 100_000), fields.integer(sides[1], 1, 100_000)


def _lens(fields: Fields) -> Lens:
    model = fields.values.get("distortion_model", "none")
    if model not in _LENS_MODELS or fields.values.get("fisheye_model", 0) not in (0, "0"):
        told = "'fisheye_model'" if model in _LENS_MODELS else f"'distortion_model' is {model!r},"
        raise InputError(
            f"{fields.where}: field {told} fisheye lenses are not supported, expected "
            f"{', '.join(_LENS_MODELS[:2])}, or undistorted pictures"
        )
    name = _one_of(fields, _LENS)
    if name is None or fields.values[name] is None:
        return Lens()
    return Lens.of_opencv(numbers_in(fields, name), f"{fields.where}: field {name!r}")


def _pose(fields: Fields, alone: bool) -> Float64Array:
    """(4, 4) world to camera."""
    pose = np.eye(4)
    whole = _one_of(fields, _POSE)
    ways = [name for name in (whole, _one_of(fields, _TURN), _one_of(fields, ("rvec",))) if name]
    if len(ways) > 1:
        raise InputError(
            f"{fields.where}: fields {ways[0]!r} and {ways[1]!r}, expected one of {_OF_POSE}"
        )
    if not ways:
        if not alone:
            raise InputError(f"{fields.where}: the pose is missing, expected {_OF_POSE}")
        return pose  # one camera: the world is its own
    if whole is not None:
        value = fields.values[whole]
        three = isinstance(value, list) and len(value) == 3
        three = three or (isinstance(value, dict) and value.get("rows") == 3)
        if three:
            pose[:3] = matrix_in(fields, whole, (3, 4))
            return pose
        return matrix_in(fields, whole, (4, 4))
    if ways[0] == "rvec":
        pose[:3, :3] = Rotation.from_rotvec(_vector(fields, ("rvec",))).as_matrix()
        pose[:3, 3] = _vector(fields, ("tvec",))
    else:
        pose[:3, :3] = matrix_in(fields, ways[0], (3, 3))
        pose[:3, 3] = _vector(fields, _SHIFT)
    return pose


def _vector(fields: Fields, names: Sequence[str]) -> Float64Array:
    return np.array(numbers_in(fields, _needed(fields, names), 3))


def _one_of(fields: Fields, names: Sequence[str]) -> str | None:
    """The field that is there under one of its names; None without. Raises InputError for two."""
    found = [name for name in names if name in fields]
    if len(found) > 1:
        raise InputError(
            f"{fields.where}: fields {found[0]!r} and {found[1]!r} mean the same, expected one"
        )
    return found[0] if found else None


def _needed(fields: Fields, names: Sequence[str]) -> str:
    found = _one_of(fields, names)
    if found is None:
        raise InputError(f"{fields.where}: field {_either(names)} is missing")
    return found


def _either(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names)
