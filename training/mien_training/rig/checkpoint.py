"""The state of a long optimisation on disk, bound to its configuration."""

from __future__ import annotations

import io
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from mien.atomic import write_atomically
from mien.errors import InputError

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: Path, config: Any, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, lists, dicts) and the dataclass `config`, atomically."""
    buffer = io.BytesIO()
    torch.save({"config": asdict(config), "state": state}, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path, config: Any) -> dict[str, Any] | None:
    """The state; None if there is no file. Raises InputError if another `config` wrote it."""
    if not path.exists():
        return None
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        same, state = saved["config"] == asdict(config), saved["state"]
    except (RuntimeError, KeyError, TypeError, EOFError, ValueError, pickle.UnpicklingError):
        raise InputError(f"{path}: not a checkpoint") from None
    if not same:
        raise InputError(
            f"{path} was written under another configuration; give another --out, or delete it "
            "to start afresh"
        )
    return dict(state)
