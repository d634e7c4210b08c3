"""Files that are made once: named by what their content follows from, and whole or not there."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mien.atomic import atomic_file
from mien.errors import InputError
from mien_training.runs.content_key import content_digest

__all__ = ["cached_path", "read_arrays", "read_cached", "write_arrays"]

Value = TypeVar("Value")

_DAMAGED = (
    OSError, ValueError, KeyError, EOFError, BadZipFile, pickle.UnpicklingError, AttributeError,
    ImportError, IndexError, TypeError, zlib.error,
)  # fmt: skip
"""What readers of arrays and of pickles raise for bytes that they did not write."""


def cached_path(folder: Path, kind: str, content: object, suffix: str = ".npz") -> Path:
    """Where in `folder` lies what follows from `content` (see `content_digest`).

    kind: what it is, in a word, for those who look into the folder. Other content never has the
    same path, so a file that exists is the right one. Put a number into `content` that is raised
    whenever the code makes something else of it.
    """
    return folder / f"{kind}-{content_digest(content)[:32]}{suffix}"


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Named arrays as one .npz. Raises InputError when it cannot be written."""
    with atomic_file(path) as file:
        np.savez(file, **arrays)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """What `write_arrays` wrote. Raises InputError for a missing or damaged file."""

    def load(path: Path) -> dict[str, NDArray[Any]]:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}

    return read_cached(path, load)


def read_cached(path: Path, load: Callable[[Path], Value]) -> Value:
    """load(path). Raises InputError, naming the file, where that fails as on damaged bytes."""
    try:
        return load(path)
    except _DAMAGED as reason:
        raise InputError(f"{path}: damaged ({reason}); delete it, and it is made again") from None
