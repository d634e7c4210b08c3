"""What a result depends on, as one hash of its content: caches and checkpoints are bound to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from mien.clip import Clip
from mien.errors import InputError
from mien.rig import Material
from mien_training.head import Template

__all__ = [
    "clip_digest", "content_digest", "file_digest", "materials_digest",
    "template_digest", "topology_digest", "tracker_digest",
]  # fmt: skip


class _Hash(Protocol):
    def update(self, data: Any, /) -> None: ...


def content_digest(value: object) -> str:
    """SHA-256 of nested plain values: None, bool, int, float, str, bytes, arrays, tensors,
    sequences, mappings in any order, and dataclasses by the names and values of their fields.

    Values of different types, shapes or nesting never share a digest. Raises InputError for
    anything else, a `Path` among it: a path is not what lies there (use `file_digest`).
    """
    whole = sha256()
    _add(whole, value)
    return whole.hexdigest()


def template_digest(template: Template) -> str:
    """Of everything that a template holds, whatever file or builder it came from.

    Processors and numbers of threads round differently, so that a template built on one machine
    need not have the digest of the same one built on another: it is for what stays on a machine.
    """
    return content_digest(template)


def topology_digest(template: Template) -> str:
    """Of which vertex is which: the number of vertices and the triangles, the same on every
    machine. For files that travel."""
    return content_digest([len(template.vertices), template.triangles.astype(np.int32)])


def materials_digest(materials: Sequence[Material]) -> str:
    """Of colours and textures."""
    return content_digest(materials)


def clip_digest(clip: Clip) -> str:
    """Of names, times and values, whatever file they were read from."""
    return content_digest(clip)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, of the names and bytes of the files directly in it.

    Raises InputError for what cannot be read.
    """
    if path.is_dir():
        inside = sorted(file for file in path.iterdir() if file.is_file())
        return content_digest([(file.name, file_digest(file)) for file in inside])
    whole = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                whole.update(block)
    except OSError as reason:
        raise InputError(f"{path}: cannot be read ({reason.strerror or reason})") from None
    return whole.hexdigest()


@cache
def tracker_digest() -> str:
    """Of the tracker's nets that ship with mien: models.json holds the hash of each."""
    return file_digest(Path(str(files("mien.tracker") / "models" / "models.json")))


def _add(whole: _Hash, value: object) -> None:
    """Every value is told apart by a tag, and by its length where that varies."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        whole.update(f"array {value.shape} {value.dtype};".encode())
        if value.dtype.hasobject:
            raise InputError("content_digest: an array of Python objects has no content to hash")
        whole.update(np.ascontiguousarray(value).data)
    elif isinstance(value, bytes):
        whole.update(f"bytes {len(value)};".encode())
        whole.update(value)
    elif isinstance(value, str):
        data = value.encode()
        whole.update(f"str {len(data)};".encode())
        whole.update(data)
    elif value is None or isinstance(value, bool | int | float | np.number | np.bool_):
        plain = value.item() if isinstance(value, np.generic) else value
        whole.update(f"{type(plain).__name__} {plain!r};".encode())
    elif is_dataclass(value) and not isinstance(value, type):
        named = [(field.name, getattr(value, field.name)) for field in fields(value)]
        _add_pairs(whole, "dataclass", named)
    elif isinstance(value, Mapping):
        _add_pairs(whole, "mapping", sorted(value.items()))
    elif isinstance(value, list | tuple):
        whole.update(f"sequence {len(value)};".encode())
        for item in value:
            _add(whole, item)
    else:
        raise InputError(f"content_digest: a {type(value).__name__} has no content to hash")


def _add_pairs(whole: _Hash, kind: str, pairs: Sequence[tuple[object, object]]) -> None:
    whole.update(f"{kind} {len(pairs)};".encode())
    for name, value in pairs:
        _add(whole, name)
        _add(whole, value)
