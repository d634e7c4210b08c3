"""COLMAP's text model: cameras.txt and images.txt of one folder.

Conventions (COLMAP, "Output Format" and "Camera Models"): the pose takes the world to the camera, x
right, y down, z forward, quaternion w first; the upper left pixel's centre is (0.5, 0.5). The scale
of the world is any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.cameras.imports.foreign_camera import ForeignCamera, Pinhole, foreign_camera
from mien_training.cameras.lens import Lens

__all__ = ["COLMAP_FILES", "read_colmap"]

COLMAP_FILES = ("cameras.txt", "images.txt")
_MODELS = {
    "SIMPLE_PINHOLE": "f cx cy",
    "PINHOLE": "fx fy cx cy",
    "SIMPLE_RADIAL": "f cx cy k1",
    "RADIAL": "f cx cy k1 k2",
    "OPENCV": "fx fy cx cy k1 k2 p1 p2",
    "FULL_OPENCV": "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6",
}
"""Camera model -> its parameters, in the file's order."""


@dataclass(frozen=True)
class _Intrinsics:
    pinhole: Pinhole
    lens: Lens


def read_colmap(paths: Sequence[Path]) -> list[ForeignCamera]:
    """One camera for each picture of the model.

    paths: the folder, or its files. Raises InputError, naming file, line and what is expected, for
    anything else, other camera models among it.
    """
    folders = {path if path.is_dir() else path.parent for path in paths}
    if len(folders) > 1:
        raise InputError(
            f"{paths[0]}, {paths[1]}: COLMAP models in different folders, expected one model"
        )
    (folder,) = folders
    for name in COLMAP_FILES:
        if not (folder / name).is_file():
            binary = (folder / name).with_suffix(".bin").is_file()
            remedy = "; convert the model: colmap model_converter --output_type TXT"
            raise InputError(
                f"{folder / name}: not there, expected both files of COLMAP's text model"
                f"{remedy if binary else ''}"
            )
    intrinsics = _read_cameras(folder / COLMAP_FILES[0])
    return _read_images(folder / COLMAP_FILES[1], intrinsics)


def _read_cameras(path: Path) -> dict[str, _Intrinsics]:
    found: dict[str, _Intrinsics] = {}
    with _opened(path) as file:
        for number, line in _lines(path, file):
            if not line or line.startswith("#"):
                continue
            where = f"{path}: line {number}"
            words = line.split()
            if len(words) < 4:
                raise InputError(f"{where}: expected CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]")
            key, model, parameters = words[0], words[1], words[4:]
            if model not in _MODELS:
                raise InputError(
                    f"{where}: camera model {model!r} is not supported, expected "
                    f"{', '.join(_MODELS)}; undistort the pictures (colmap image_undistorter) or "
                    "calibrate with one of these"
                )
            names = _MODELS[model].split()
            if len(parameters) != len(names):
                raise InputError(
                    f"{where}: {len(parameters)} parameters, expected {len(names)} of {model}: "
                    f"{', '.join(names)}"
                )
            if key in found:
                raise InputError(f"{where}: camera {key} is there already, expected new numbers")
            width, height = (_whole(word, where) for word in words[2:4])
            values = {n: _finite(word, where) for n, word in zip(names, parameters, strict=True)}
            fx = values.pop("f") if "f" in values else values.pop("fx")
            pinhole = Pinhole(
                width, height, fx, values.pop("fy", fx), values.pop("cx"), values.pop("cy")
            )
            found[key] = _Intrinsics(pinhole, Lens(**values))
    return found


def _read_images(path: Path, intrinsics: dict[str, _Intrinsics]) -> list[ForeignCamera]:
    """Two lines an image; the second, of points, may be empty, and is not kept."""
    found: dict[str, ForeignCamera] = {}
    with _opened(path) as file:
        lines = _lines(path, file)
        for number, line in lines:
            if not line or line.startswith("#"):
                continue
            where = f"{path}: line {number}"
            words = line.split(maxsplit=9)
            if len(words) != 10:
                raise InputError(
                    f"{where}: {len(words)} fields, expected IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, "
                    "CAMERA_ID, NAME"
                )
            name, key = words[9], words[8]
            where = f"{where} ({name})"
            if key not in intrinsics:
                raise InputError(
                    f"{where}: camera {key} is not in {COLMAP_FILES[0]}, expected one of "
                    f"{', '.join(list(intrinsics)[:10]) or 'none: it has no cameras'}"
                )
            if name in found:
                raise InputError(f"{where}: the picture is there already, expected it once")
            w, x, y, z, *move = (_finite(word, where) for word in words[1:8])
            length = math.hypot(w, x, y, z)
            if not abs(length - 1) < 1e-2:
                raise InputError(
                    f"{where}: the quaternion's length is {length:g}, expected 1 (QW, QX, QY, QZ)"
                )
            pose = np.eye(4)
            pose[:3, :3] = Rotation.from_quat([x, y, z, w]).as_matrix()
            pose[:3, 3] = move
            lens = intrinsics[key]
            found[name] = foreign_camera(name, lens.pinhole, lens.lens, pose, where)
            _, points = next(lines, (0, ""))
            if not _are_points(points):
                raise InputError(
                    f"{path}: line {number + 1}: expected the points of the image above, X, Y, "
                    "POINT3D_ID each, or an empty line: every image has two lines"
                )
    if not found:
        raise InputError(f"{path}: no images, expected at least one")
    return list(found.values())


def _are_points(line: str) -> bool:
    """By the first and the last of its numbers; there may be thousands."""
    words = line.split()
    try:
        return len(words) % 3 == 0 and all(
            math.isfinite(float(w)) for w in (words[:1] + words[-1:])
        )
    except ValueError:
        return False


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8")
    except OSError as reason:
        raise InputError(f"{path}: cannot be read ({reason.strerror})") from None


def _lines(path: Path, file: TextIO) -> Iterator[tuple[int, str]]:
    """Numbered from 1, without blanks at their ends."""
    try:
        for number, line in enumerate(file, 1):
            yield number, line.strip()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text in UTF-8, expected COLMAP's text model") from None


def _finite(word: str, where: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {word[:40]!r}, expected a finite number")
    return value


def _whole(word: str, where: str) -> int:
    if not word.isdecimal() or not 0 < int(word[:9]) <= 100_000 or len(word) > 6:
        raise InputError(f"{where}: {word[:40]!r}, expected WIDTH and HEIGHT, 1 to 100000 pixels")
    return int(word)
