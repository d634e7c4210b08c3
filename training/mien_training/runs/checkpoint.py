"""The state of a long optimisation on disk, bound to what it is an optimisation of."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.footage.observations import Observations
from mien_training.head import Template

__all__ = ["load_checkpoint", "origin_of", "save_checkpoint"]


def origin_of(config: Any, template: Template, seen: Observations) -> dict[str, Any]:
    """What a fit's result depends on: the dataclass `config`, and digests of all else."""
    identity = () if template.identity is None else (template.identity.modes,)
    marks = template.landmarks
    head = (
        template.vertices, template.triangles, template.triangle_material, template.uvs,
        template.shape_deltas, marks.triangle, marks.barycentric, *identity,
        *(template.regions[name] for name in sorted(template.regions)),
    )  # fmt: skip
    views = seen.views
    film = (
        views.intrinsics, views.camera_from_world, seen.camera, seen.times_s, seen.images,
        seen.points, *(() if seen.masks is None else (seen.masks,)),
    )  # fmt: skip
    return {
        "configuration": asdict(config),
        "template": _digest(head),
        "footage": _digest([tensor.cpu().numpy() for tensor in film]),
    }


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


def _digest(arrays: Any) -> str:
    whole = sha256()
    for array in arrays:
        whole.update(repr((array.shape, str(array.dtype))).encode())
        whole.update(np.ascontiguousarray(array).data)
    return whole.hexdigest()
