"""The state of a long optimisation on disk, bound to what it is an optimisation of."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mien.atomic import write_atomically
from mien.errors import InputError

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: Path, origin: Mapping[str, Any], state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, lists, dicts) and its origin, atomically."""
    buffer = io.BytesIO()
    torch.save({"origin": dict(origin), "state": state}, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path, origin: Mapping[str, Any]) -> dict[str, Any] | None:
    """The state; None if there is no file. Raises InputError, naming what differs, if it is of
    another origin."""
    if not path.exists():
        return None
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        state, theirs = dict(saved["state"]), dict(saved["origin"])
    except (RuntimeError, KeyError, TypeError, EOFError, ValueError, pickle.UnpicklingError):
        raise InputError(f"{path}: not a checkpoint of this version of mien") from None
    others = [name for name, value in origin.items() if theirs.get(name) != value]
    if others:
        raise InputError(
            f"{path} was written with another {' and another '.join(others)}; give another --out, "
            "or delete it to start afresh"
        )
    return state
