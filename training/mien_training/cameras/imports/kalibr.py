"""Kalibr's camchain.yaml: cameras in a chain, each posed from the one before.

Conventions (Kalibr, "yaml formats"): `T_cn_cnm1` takes points of camera n - 1 to camera n, x right,
y down, z forward; cam0 is the world here. Pixel centres lie at whole numbers, as OpenCV's; lengths
are metres if the target's were.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

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

__all__ = ["is_kalibr", "read_kalibr"]

_CAMERA = re.compile(r"cam(\d{1,3})")
_LENSES = {"radtan": 4, "none": 0}
"""Distortion model -> how many terms it has."""


def is_kalibr(tree: dict[str, Any]) -> bool:
    """Whether it has cameras as Kalibr writes them."""
    first = tree.get("cam0")
    return isinstance(first, dict) and "camera_model" in first and "intrinsics" in first


def read_kalibr(path: Path) -> list[ForeignCamera]:
    """Raises InputError, naming file, camera and field, for anything else: omnidirectional and
    fisheye cameras among it, and a chain with a gap."""
    where = str(path)
    try:
        tree = parse_yaml(path.read_bytes(), where)
    except OSError as reason:
        raise InputError(f"{where}: cannot be read ({reason.strerror})") from None
    numbers = sorted(int(m[1]) for name in tree if (m := _CAMERA.fullmatch(name)))
    if not numbers or numbers != list(range(len(numbers))):
        raise InputError(f"{where}: cameras {numbers}, expected cam0, cam1 .. without a gap")
    found, pose = [], np.eye(4)
    for number in numbers:
        fields = Fields(tree[f"cam{number}"], f"{where}: cam{number}", InputError)
        if number:
            if "T_cn_cnm1" not in fields:
                raise InputError(
                    f"{fields.where}: field 'T_cn_cnm1' is missing, expected the pose (4 x 4) from "
                    f"cam{number - 1}"
                )
            pose = matrix_in(fields, "T_cn_cnm1", (4, 4)) @ pose
        pinhole, lens = _intrinsics(fields)
        found.append(foreign_camera(f"cam{number}", pinhole, lens, pose, fields.where))
    return found


def _intrinsics(fields: Fields) -> tuple[Pinhole, Lens]:
    model, bent = fields.text("camera_model"), fields.values.get("distortion_model", "none")
    if model != "pinhole" or bent not in _LENSES:
        raise InputError(
            f"{fields.where}: camera_model {model!r} with distortion_model {bent!r} is not "
            f"supported, expected 'pinhole' with {' or '.join(map(repr, _LENSES))}"
        )
    for name in ("intrinsics", "resolution"):
        if name not in fields:
            raise InputError(f"{fields.where}: field {name!r} is missing")
    fx, fy, cx, cy = numbers_in(fields, "intrinsics", 4)
    size = numbers_in(fields, "resolution", 2)
    if not all(side.is_integer() and 1 <= side <= 100_000 for side in size):
        raise InputError(
            f"{fields.where}: field 'resolution' is {list(size)}, expected 1 to 100000 pixels"
        )
    terms: tuple[float, ...] = ()
    if "distortion_coeffs" in fields:
        terms = numbers_in(fields, "distortion_coeffs", _LENSES[str(bent)])
    elif _LENSES[str(bent)]:
        raise InputError(f"{fields.where}: field 'distortion_coeffs' is missing, expected 4 terms")
    lens = Lens.of_opencv(terms, f"{fields.where}: field 'distortion_coeffs'")
    width, height = int(size[0]), int(size[1])
    return Pinhole(width, height, fx, fy, cx + OPENCV_CENTRES, cy + OPENCV_CENTRES), lens
