"""The files of a finished take, from those of its moments."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.capture.run.moment_shards import joined, joined_sightings, stage_seconds
from mien_training.capture.take import MultiViewTake
from mien_training.capture.trust.camera_sightings import camera_residuals
from mien_training.footage.captured import (
    MESHES_FILE,
    RESIDUALS_FILE,
    CapturedMeshes,
    write_meshes,
    write_residuals,
)
from mien_training.head import Template
from mien_training.runs.content_key import template_digest

__all__ = ["join_moments", "read_seconds"]

_SECONDS_FILE = "seconds.json"


def join_moments(folder: Path, shards: Path, take: MultiViewTake, template: Template) -> None:
    """Leaves meshes.npz, residuals.npz and the seconds of every stage in `folder`.

    The meshes last, for they say that the moments are done. Raises InputError for shards that are
    missing or damaged.
    """
    found = joined(shards, len(take))
    seconds = stage_seconds(shards, len(take))
    write_atomically(folder / _SECONDS_FILE, json.dumps(seconds).encode())
    seen = camera_residuals(
        take.names, take.cameras, take.times_s, joined_sightings(shards, len(take))
    )
    write_residuals(folder / RESIDUALS_FILE, seen)
    write_meshes(
        folder / MESHES_FILE,
        CapturedMeshes(
            template=template.name, template_sha256=template_digest(template), frame=take.frames,
            time_s=take.times_s, vertices=found["vertices"],
            world_from_head=found["world_from_head"],
            confidence=found["confidence"].astype(np.float16), views=found["views"],
            spread_m=found["spread_m"].astype(np.float16),
            failure=tuple(found["failure"].tolist()),
        ),
    )  # fmt: skip


def read_seconds(folder: Path) -> dict[str, float]:
    """By stage, of all moments together. Raises InputError, naming the file, where it is damaged
    or missing."""
    path = folder / _SECONDS_FILE
    try:
        return {str(name): float(value) for name, value in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        raise InputError(f"{path}: damaged; delete the folder to start afresh") from None
