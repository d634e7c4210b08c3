"""Results of moments on disk while a capture goes on, and all of them as one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.capture.moment_result import MomentResult
from mien_training.footage.captured import MomentSightings
from mien_training.runs.cache import read_arrays, write_arrays
from mien_training.runs.shards import shard_path

__all__ = [
    "SHARD",
    "finished_moments",
    "joined",
    "joined_sightings",
    "read_shard",
    "stage_seconds",
    "write_shard",
]

SHARD = 8
"""Moments in a file: what an interruption costs at most."""

_NAMES = ("vertices", "world_from_head", "confidence", "views", "spread_m")
_SEEN = "sightings/"


def write_shard(folder: Path, number: int, results: Sequence[MomentResult]) -> None:
    """Moments number * SHARD and following, whole or not at all."""
    folder.mkdir(exist_ok=True)
    arrays: dict[str, NDArray[Any]] = {
        name: np.stack([getattr(result, name) for result in results]) for name in _NAMES
    }
    seen = MomentSightings.join([result.sightings for result in results])
    arrays |= {_SEEN + field.name: getattr(seen, field.name) for field in fields(seen)}
    arrays["sighted"] = np.array([len(result.sightings.camera) for result in results])
    arrays["failure"] = np.array([result.failure for result in results], np.str_)
    arrays["seconds"] = np.array([json.dumps(dict(result.seconds)) for result in results])
    write_arrays(shard_path(folder, number), arrays)


def read_shard(folder: Path, number: int) -> list[MomentResult]:
    """Raises InputError, naming the file, where it is damaged."""
    path = shard_path(folder, number)
    arrays = read_arrays(path)
    try:
        seen = _sightings(arrays)
        return [
            MomentResult(
                **{name: arrays[name][n] for name in _NAMES},
                sightings=seen[n],
                failure=str(arrays["failure"][n]),
                seconds=json.loads(str(arrays["seconds"][n])),
            )
            for n in range(len(arrays["failure"]))
        ]
    except (KeyError, IndexError, ValueError, InputError) as reason:
        raise InputError(f"{path}: damaged ({reason}); delete it, and it is made again") from None


def _sightings(arrays: Mapping[str, NDArray[Any]]) -> list[MomentSightings]:
    """Of each moment."""
    names = [field.name for field in fields(MomentSightings)]
    together = MomentSightings(*(arrays[_SEEN + name] for name in names))
    ends = np.concatenate([[0], np.cumsum(arrays["sighted"])]).tolist()
    return [together.between(a, b) for a, b in pairwise(ends)]


def joined_sightings(folder: Path, total: int) -> list[MomentSightings]:
    """Of all `total` moments. Raises InputError as `read_shard` does."""
    found: list[MomentSightings] = []
    for number in range(-(-total // SHARD)):
        found += _sightings(read_arrays(shard_path(folder, number)))
    return found


def finished_moments(folder: Path, total: int) -> int:
    """Moments whose files lie there without a gap from the first on."""
    number = 0
    while number * SHARD < total and shard_path(folder, number).exists():
        number += 1
    return min(number * SHARD, total)


def joined(folder: Path, total: int) -> dict[str, NDArray[Any]]:
    """Arrays over all `total` moments by the names of `MomentResult`'s fields. Raises InputError as
    `read_shard` does."""
    whole: dict[str, NDArray[Any]] = {}
    texts: list[str] = []
    for number in range(-(-total // SHARD)):
        part = read_arrays(shard_path(folder, number))
        texts += part["failure"].tolist()
        for name in _NAMES:
            if name not in whole:  # filled piece by piece: meshes are there once, not twice
                whole[name] = np.empty((total, *part[name].shape[1:]), part[name].dtype)
            whole[name][number * SHARD : number * SHARD + len(part[name])] = part[name]
    return {**whole, "failure": np.array(texts, np.str_)}


def stage_seconds(folder: Path, total: int) -> dict[str, float]:
    """Where the time of all moments went, by stage."""
    sums: Counter[str] = Counter()
    for number in range(-(-total // SHARD)):
        for text in read_arrays(shard_path(folder, number))["seconds"]:
            sums.update(json.loads(str(text)))
    return dict(sums)
