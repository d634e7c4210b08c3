"""Which tool a file of cameras is from, by its content, and its cameras."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from mien.errors import InputError
from mien.strict_json import parse_strict
from mien_training.cameras.imports.colmap import COLMAP_FILES, read_colmap
from mien_training.cameras.imports.foreign_camera import ForeignCamera
from mien_training.cameras.imports.kalibr import is_kalibr, read_kalibr
from mien_training.cameras.imports.opencv import read_opencv
from mien_training.cameras.imports.own import read_own
from mien_training.cameras.imports.transforms import read_transforms
from mien_training.cameras.imports.yaml_tree import parse_yaml

__all__ = ["CameraFormat", "format_of", "read_foreign"]

CameraFormat = Literal["colmap", "opencv", "kalibr", "transforms", "mien"]

_FIRST_BYTES = 4096
_COLMAP = re.compile(r"# (Camera|Image) list with|\d+ [A-Z_]+ \d+ \d+ [-+.\d]")


def format_of(path: Path) -> CameraFormat:
    """Raises InputError for what is none of them."""
    known = ", ".join(get_args(CameraFormat))
    if path.is_dir() or path.name in COLMAP_FILES:
        return "colmap"
    try:
        with path.open("rb") as file:
            start = file.read(_FIRST_BYTES).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
        if _COLMAP.match(start):
            return "colmap"
        if start.startswith("<"):
            raise InputError(f"{path}: XML, expected OpenCV's cameras as YAML (name it .yml)")
        if not start.startswith("{"):
            tree = parse_yaml(path.read_bytes(), str(path))
            return "kalibr" if is_kalibr(tree) else "opencv"
        content = parse_strict(path.read_bytes(), str(path), InputError)
    except OSError as reason:
        raise InputError(f"{path}: cannot be read ({reason.strerror})") from None
    if "frames" in content:
        return "transforms"
    if "cameras" in content:
        return "mien"
    raise InputError(
        f"{path}: JSON without 'frames' (transforms.json) and without 'cameras' (mien's), expected "
        f"one of {known}"
    )


def read_foreign(
    paths: Sequence[Path], format: CameraFormat | None
) -> tuple[list[ForeignCamera], float | None, CameraFormat]:
    """The cameras of the files, the length of their unit in metres where the files tell it, and the
    format, found by content if None.

    Raises InputError for files of several formats, and for several of one that is one file.
    """
    if not paths:
        raise InputError("cameras import: no file, expected at least one")
    found = {path: format or format_of(path) for path in paths}
    kinds = sorted(set(found.values()))
    if len(kinds) > 1:
        told = ", ".join(f"{path} ({kind})" for path, kind in found.items())
        raise InputError(f"{told}: cameras of different tools, expected those of one")
    (kind,) = kinds
    if len(paths) > 1 and kind not in ("colmap", "opencv"):
        raise InputError(
            f"{', '.join(str(path) for path in paths)}: {len(paths)} files of {kind}, expected "
            "one, which holds all cameras"
        )
    if kind == "colmap":
        return read_colmap(paths), None, kind
    if kind == "opencv":
        return read_opencv(paths), None, kind
    if kind == "kalibr":
        return read_kalibr(paths[0]), None, kind
    if kind == "transforms":
        return read_transforms(paths[0]), None, kind
    return *read_own(paths[0]), kind
