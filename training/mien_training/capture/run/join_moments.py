"""The files of a finished take, from those of its moments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.capture.over_time.smooth_take import TakeSmoother, TimeConfig, smooth_take
from mien_training.capture.run.moment_shards import joined, joined_sightings, stage_seconds
from mien_training.capture.take import MultiViewTake
from mien_training.capture.trust import jump_failures
from mien_training.capture.trust.camera_sightings import camera_residuals
from mien_training.footage.captured import (
    MESHES_FILE,
    RESIDUALS_FILE,
    CapturedMeshes,
    write_meshes,
    write_residuals,
)
from mien_training.head import Template
from mien_training.runs.content_key import topology_digest

__all__ = ["UNSMOOTHED_FILE", "Smoothing", "join_moments", "read_seconds"]

Smoothing = Literal["zero-lag", "causal", "none"]

UNSMOOTHED_FILE = "unsmoothed.npz"
"""Meshes as captured, as meshes.npz."""
_SECONDS_FILE = "seconds.json"


def join_moments(
    folder: Path, shards: Path, take: MultiViewTake, template: Template, smooth: Smoothing = "none"
) -> None:
    """Leaves meshes.npz, residuals.npz and the seconds of every stage in `folder`; smoothed, also
    the meshes as captured (UNSMOOTHED_FILE).

    Moments whose head jumps away and back count as failures. The meshes come last, for they say
    that the moments are done. Raises InputError for shards that are missing or damaged, and as
    `smooth_take`.
    """
    found = joined(shards, len(take))
    seconds = stage_seconds(shards, len(take))
    write_atomically(folder / _SECONDS_FILE, json.dumps(seconds).encode())
    seen = camera_residuals(
        take.names, take.cameras, take.times_s, joined_sightings(shards, len(take))
    )
    write_residuals(folder / RESIDUALS_FILE, seen)
    failure = tuple(found["failure"].tolist())
    meshes = CapturedMeshes(
        template=template.name, topology_sha256=topology_digest(template), frame=take.frames,
        time_s=take.times_s, vertices=found["vertices"], world_from_head=found["world_from_head"],
        confidence=found["confidence"].astype(np.float16), views=found["views"],
        spread_m=found["spread_m"].astype(np.float16),
        failure=jump_failures(take.times_s, found["world_from_head"], failure),
    )  # fmt: skip
    if smooth != "none" and meshes.good.any():
        write_meshes(folder / UNSMOOTHED_FILE, meshes)
        meshes = smooth_take(meshes, TakeSmoother.of(template), TimeConfig(smooth))
    write_meshes(folder / MESHES_FILE, meshes)


def read_seconds(folder: Path) -> dict[str, float]:
    """By stage, of all moments together. Raises InputError, naming the file, where it is damaged
    or missing."""
    path = folder / _SECONDS_FILE
    try:
        return {str(name): float(value) for name, value in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        raise InputError(f"{path}: damaged; delete the folder to start afresh") from None
