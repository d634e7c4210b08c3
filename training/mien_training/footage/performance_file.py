"""A rig run's performance.npz: the `RigPerformance` of its person.npz."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera
from mien_training.cameras.lens import Lens, LensCamera, camera_with_lens
from mien_training.footage.face_crop import FaceCrop
from mien_training.footage.rig_performance import FilmingCamera, FittedLight, RigPerformance
from mien_training.runs.cache import read_arrays, write_arrays
from mien_training.runs.content_key import file_digest
from mien_training.templates.person import TEMPLATE_FILE

__all__ = ["PERFORMANCE_FILE", "read_performance", "write_performance"]

PERFORMANCE_FILE = "performance.npz"
_FORMAT, _LENS_FORMAT = 1, 2
"""Raised whenever fields are added, left out, or mean something else; the second where a camera
has a lens beyond k1 and k2, and the file `source_lens`."""
_UNIT = 1e-3
"""How far from orthonormal a camera's rotation, and from 1 a quaternion's length, may be."""
_KINDS = {"U": "text", "i": "integers", "f": "finite numbers", "b": "true or false"}
_OF_FRAMES = (
    "camera", "frame", "clock_s", "time_s", "weights", "rotation_xyzw", "translation", "trusted",
    "lost", "points_px", "face_px",
)  # fmt: skip
_FIELDS: dict[str, tuple[tuple[int | str, ...], str]] = {
    "person_sha256": ((), "U"), "shape_names": (("K",), "U"), "size": ((), "i"),
    "source_names": (("C",), "U"), "source_sha256": (("C",), "U"), "source_K": (("C", 3, 3), "f"),
    "source_camera_from_world": (("C", 4, 4), "f"), "source_width": (("C",), "i"),
    "source_height": (("C",), "i"), "source_k1_k2": (("C", 2), "f"),
    "crop_left_top_side": (("C", 3), "f"), "offset_s": (("C",), "f"), "camera": (("T",), "i"),
    "frame": (("T",), "i"), "clock_s": (("T",), "f"), "time_s": (("T",), "f"),
    "weights": (("T", "K"), "f"), "rotation_xyzw": (("T", 4), "f"), "translation": (("T", 3), "f"),
    "trusted": (("T",), "b"), "lost": (("T",), "b"), "points_px": (("T",), "f"),
    "face_px": (("T",), "f"), "landmark_bias": ((478, 3), "f"), "light_harmonics": ((9, 3), "f"),
    "light_gain": (("C", 3), "f"), "highlight_from": (("L", 3), "f"),
    "highlight_colour": (("L", 3), "f"), "highlight_sharpness": (("L",), "f"),
}  # fmt: skip
"""Every array of the file: shape, and numpy's letter of its kind."""
_LENS_FIELD: dict[str, tuple[tuple[int | str, ...], str]] = {"source_lens": (("C", 8), "f")}
"""The terms of `Lens`; zeros for cameras with k1 and k2."""


def write_performance(folder: Path, performance: RigPerformance) -> None:
    """Whole or not at all. Raises InputError when it cannot be written."""
    write_arrays(folder / PERFORMANCE_FILE, _arrays(performance))


def read_performance(folder: str | Path) -> RigPerformance:
    """Of a rig run's folder. Raises InputError, naming file, field and what was expected, where it
    is missing, damaged, of another version of mien, or not of the person beside it."""
    path = Path(folder) / PERFORMANCE_FILE
    if not path.is_file():
        raise InputError(
            f"{path}: not there; expected what `mien train rig` of videos or images leaves (of a "
            "scan it leaves none, nor did earlier versions of mien): fit the rig again"
        )
    arrays = read_arrays(path)
    version = arrays.get("format", np.array("missing"))
    if version.tolist() not in (_FORMAT, _LENS_FORMAT):
        raise InputError(
            f"{path}: field 'format' is {version.tolist()}, expected {_FORMAT} or {_LENS_FORMAT}: "
            "of another version of mien, or another kind of file: fit the rig again"
        )
    try:
        found = _of_arrays(arrays)
        _check_values(found)
    except InputError as reason:
        raise InputError(f"{path}: {reason}: fit the rig again") from None
    person = path.with_name(TEMPLATE_FILE)
    if file_digest(person) != found.person_sha256:
        raise InputError(
            f"{path}: field 'person_sha256' is not that of the {person.name} beside it: another "
            "rig's performance: fit the rig again"
        )
    return found


def _arrays(performance: RigPerformance) -> dict[str, NDArray[Any]]:
    p, light = performance, performance.light
    crops = [c.crop for c in p.cameras]
    cameras = [c.camera for c in crops]
    count = len(cameras)
    lenses = [c.lens if isinstance(c, LensCamera) else Lens() for c in cameras]
    beyond = any(isinstance(c, LensCamera) for c in cameras)
    terms = np.array([astuple(lens) for lens in lenses], np.float64).reshape(count, 8)
    return {
        "format": np.array(_LENS_FORMAT if beyond else _FORMAT),
        **({"source_lens": terms} if beyond else {}),
        "person_sha256": np.array(p.person_sha256),
        "shape_names": np.array(p.shape_names, np.str_),
        "size": np.array(p.size),
        "source_names": np.array([c.source for c in p.cameras], np.str_),
        "source_sha256": np.array([c.sha256 for c in p.cameras], np.str_),
        "source_K": np.array([c.K for c in cameras]).reshape(count, 3, 3),
        "source_camera_from_world": np.array([c.camera_from_world for c in cameras]).reshape(
            count, 4, 4
        ),
        "source_width": np.array([c.width for c in cameras], np.int64),
        "source_height": np.array([c.height for c in cameras], np.int64),
        "source_k1_k2": np.array([(c.k1, c.k2) for c in cameras], np.float64).reshape(count, 2),
        "crop_left_top_side": np.array(
            [(c.left, c.top, c.side) for c in crops], np.float64
        ).reshape(count, 3),
        "offset_s": np.array([c.offset_s for c in p.cameras], np.float64),
        **{name: getattr(p, name) for name in _OF_FRAMES},
        "landmark_bias": p.landmark_bias,
        "light_harmonics": light.harmonics,
        "light_gain": light.gain,
        "highlight_from": light.highlight_from,
        "highlight_colour": light.highlight_colour,
        "highlight_sharpness": light.highlight_sharpness,
    }


def _of_arrays(arrays: dict[str, NDArray[Any]]) -> RigPerformance:
    """Raises InputError, naming the field, for anything but what `_arrays` gave."""
    sizes: dict[str, int] = {}
    beyond = arrays["format"] == _LENS_FORMAT
    for name, (shape, kind) in (_FIELDS | (_LENS_FIELD if beyond else {})).items():
        if name not in arrays:
            raise InputError(f"field {name!r} is missing")
        _check(name, arrays[name], shape, kind, sizes)
    a = arrays
    cameras = []
    for c in range(sizes["C"]):
        left, top, side = a["crop_left_top_side"][c].tolist()
        k1, k2 = a["source_k1_k2"][c].tolist()
        width, height = int(a["source_width"][c]), int(a["source_height"][c])
        camera = Camera(a["source_K"][c], a["source_camera_from_world"][c], width, height, k1, k2)
        if beyond and a["source_lens"][c].any():
            camera = camera_with_lens(camera, Lens(*a["source_lens"][c].tolist()))
        cameras.append(
            FilmingCamera(
                str(a["source_names"][c]), str(a["source_sha256"][c]),
                FaceCrop(camera, left, top, side), float(a["offset_s"][c]),
            )
        )  # fmt: skip
    light = FittedLight(
        a["light_harmonics"], a["light_gain"], a["highlight_from"], a["highlight_colour"],
        a["highlight_sharpness"],
    )  # fmt: skip
    return RigPerformance(
        person_sha256=str(a["person_sha256"]),
        shape_names=tuple(str(name) for name in a["shape_names"]),
        size=int(a["size"]),
        cameras=tuple(cameras),
        **{name: a[name] for name in _OF_FRAMES},
        landmark_bias=a["landmark_bias"],
        light=light,
    )


def _check(
    name: str, array: NDArray[Any], shape: tuple[int | str, ...], kind: str, sizes: dict[str, int]
) -> None:
    """Raises InputError where an array is not of the shape, with letters standing for `sizes`;
    letters that are not known yet are taken from it."""
    fits = len(array.shape) == len(shape) and array.dtype.kind == kind
    for found, expected in zip(array.shape, shape, strict=False):
        size = sizes.setdefault(expected, found) if isinstance(expected, str) else expected
        fits = fits and found == size
    if not fits or (kind == "f" and not np.isfinite(array).all()):
        words = ", ".join(str(sizes.get(s, s)) if isinstance(s, str) else str(s) for s in shape)
        raise InputError(
            f"field {name!r} has shape {array.shape} of {array.dtype}, expected ({words}) of "
            f"{_KINDS[kind]}"
        )


def _check_values(p: RigPerformance) -> None:
    """Raises InputError, naming the field, for values that no fit leaves."""
    turns = np.array([c.crop.camera.camera_from_world[:3, :3] for c in p.cameras])
    sides = [c.crop.side for c in p.cameras]
    length = np.linalg.norm(p.rotation_xyzw, axis=1)
    rules = {
        "source_names": (len(p.cameras) > 0, "at least one"),
        "camera": (
            len(p.camera) > 0 and p.camera.min() >= 0 and p.camera.max() < len(p.cameras),
            f"at least one frame, of cameras 0 to {len(p.cameras) - 1}",
        ),
        "frame": (bool((p.frame >= 0).all()), "indices of 0 or more"),
        "size": (0 < p.size <= 1 << 16, "1 to 65536 pixels"),
        "crop_left_top_side": (all(side >= 1 for side in sides), "sides of 1 pixel or more"),
        "source_camera_from_world": (
            np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3), atol=_UNIT)
            if len(turns)
            else True,
            "rotations and shifts",
        ),
        "weights": (bool(((p.weights >= 0) & (p.weights <= 1)).all()), "0 to 1"),
        "rotation_xyzw": (bool((abs(length - 1) < _UNIT).all()), "unit quaternions"),
        "face_px": (bool((p.face_px > 0).all()), "more than 0 pixels"),
    }  # fmt: skip
    for name, (holds, expected) in rules.items():
        if not holds:
            raise InputError(f"field {name!r} holds other values than expected: {expected}")
