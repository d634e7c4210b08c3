"""transforms.json of NeRF, instant-ngp and Nerfstudio.

Conventions (Nerfstudio, "Data conventions"): `transform_matrix` takes the camera to the world; the
camera's axes are OpenGL's, x right, y up, z backwards. The image spans [0, w] x [0, h], so that the
centre of the image is w / 2: principal points are mien's. The scale of the world is any.
"""

from __future__ import annotations

import math
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import InputError
from mien.strict_json import Fields, parse_strict
from mien.video import read_frames
from mien_training.cameras.camera_checks import check_pose
from mien_training.cameras.imports.foreign_camera import ForeignCamera, Pinhole, foreign_camera
from mien_training.cameras.lens import Lens

__all__ = ["read_transforms"]

_OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
_MODELS = ("PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")
_TERMS = ("k1", "k2", "p1", "p2", "k3")
_SUFFIXES = ("", ".png", ".jpg", ".jpeg")


def read_transforms(path: Path) -> list[ForeignCamera]:
    """One camera for each frame; what a frame says itself goes before what the file says of all.

    A picture's size, where the file lacks it, is looked up in the picture. Raises InputError,
    naming file, frame and field, for anything else, fisheye and panoramic cameras among it.
    """
    where = str(path)
    try:
        whole = Fields(parse_strict(path.read_bytes(), where, InputError), where, InputError)
    except OSError as reason:
        raise InputError(f"{where}: cannot be read ({reason.strerror})") from None
    frames = whole.objects("frames")
    if not frames:
        raise InputError(f"{where}: field 'frames' is empty, expected at least one")
    shared = {key: value for key, value in whole.values.items() if key != "frames"}
    found: dict[str, ForeignCamera] = {}
    for frame in frames:
        camera = _camera(frame, shared, path.parent)
        if camera.picture in found:
            raise InputError(
                f"{frame.where}: picture {camera.picture!r} is there already, expected it once"
            )
        found[camera.picture] = camera
    return list(found.values())


def _camera(frame: Fields, shared: dict[str, Any], folder: Path) -> ForeignCamera:
    picture = frame.text("file_path")
    both = {**shared, **frame.values}
    fields = Fields(both, f"{frame.where} ({picture})", InputError)
    model = both.get("camera_model", "OPENCV")
    if model not in _MODELS or both.get("is_fisheye", False) is not False:
        raise InputError(
            f"{fields.where}: camera_model {model!r}{', is_fisheye' * ('is_fisheye' in both)} is "
            f"not supported, expected {', '.join(_MODELS)}"
        )
    width, height = _size(fields, folder / picture)
    own = Fields(frame.values, fields.where, InputError)
    from_own_angle = "camera_angle_x" in own and "fl_x" not in own
    if "fl_x" in fields and not from_own_angle:
        fx = fields.number("fl_x", 1e-3, 1e9)
        fy = fields.number("fl_y", 1e-3, 1e9) if "fl_y" in fields else fx
    elif "camera_angle_x" in fields:
        fx = _focal(fields, "camera_angle_x", width)
        fy = _focal(fields, "camera_angle_y", height) if "camera_angle_y" in fields else fx
    else:
        raise InputError(
            f"{fields.where}: field 'fl_x' is missing, expected it, pixels, or 'camera_angle_x', "
            "radians"
        )
    cx = fields.number("cx") if "cx" in fields else width / 2
    cy = fields.number("cy") if "cy" in fields else height / 2
    terms = {name: fields.number(name) for name in _TERMS if name in fields}
    if "k4" in fields and fields.number("k4"):
        raise InputError(
            f"{fields.where}: field 'k4' is {both['k4']}, the term of r^8, which is not supported; "
            "expected 0"
        )
    pose = _pose(fields)
    return foreign_camera(
        picture, Pinhole(width, height, fx, fy, cx, cy), Lens(**terms), pose, fields.where
    )


def _pose(fields: Fields) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(4, 4) world to camera, in OpenCV's axes."""
    rows = fields.items("transform_matrix")
    expected = f"{fields.where}: field 'transform_matrix' must be 4 rows, or 3, of 4 numbers"
    good = len(rows) in (3, 4) and all(isinstance(row, list) and len(row) == 4 for row in rows)
    if not good or not all(type(number) in (int, float) for row in rows for number in row):
        raise InputError(expected)
    world_from_camera = np.array([*rows, (0, 0, 0, 1)][:4], np.float64)
    check_pose(world_from_camera, f"{fields.where}: field 'transform_matrix'")
    turn, centre = world_from_camera[:3, :3], world_from_camera[:3, 3]
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn.T, -turn.T @ centre
    return _OPENCV_FROM_OPENGL @ pose


def _focal(fields: Fields, name: str, side: int) -> float:
    return 0.5 * side / math.tan(0.5 * fields.number(name, 1e-3, 3.1))


def _size(fields: Fields, picture: Path) -> tuple[int, int]:
    if "w" in fields and "h" in fields:
        # Some writers have 1920.0.
        sides = [fields.number(name, 1, 100_000) for name in ("w", "h")]
        if all(side.is_integer() for side in sides):
            return int(sides[0]), int(sides[1])
        raise InputError(f"{fields.where}: fields 'w' and 'h' are {sides}, expected whole pixels")
    for suffix in _SUFFIXES:
        path = picture.with_name(picture.name + suffix)
        if path.is_file():
            image = next(iter(islice(read_frames(path), 1))).image
            return image.shape[1], image.shape[0]
    missing = "w" if "w" not in fields else "h"
    raise InputError(
        f"{fields.where}: field {missing!r} is missing, and there is no picture {picture} to tell "
        "its size"
    )
