"""A data set of synthetic people on disk: whole shards, made by any number of processes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import InputError
from mien_training.head import Template
from mien_training.rendering import RENDERING_VERSION
from mien_training.runs.cache import write_arrays
from mien_training.runs.content_key import content_digest, file_digest, template_digest
from mien_training.runs.progress import Report, silent
from mien_training.runs.shards import claim_folder, make_shards, shard_path
from mien_training.synthetic.factory.sequence import LabelledFrame, draw_sequence
from mien_training.synthetic.factory.spec import DatasetSpec
from mien_training.templates import load_template

__all__ = ["dataset_key", "generate_dataset", "sequence_seed", "worker_template"]

_FORMAT = 2
"""Raised whenever shards are laid out differently, or people and factors are drawn otherwise."""


def generate_dataset(
    spec: DatasetSpec,
    folder: Path,
    workers: int | None = None,
    report: Report = silent,
) -> None:
    """Make what is missing of the data set in `folder`; read it with `DatasetReader`.

    Bytes do not depend on the number of workers, on the order, or on interruptions. `report` hears
    of shards. Raises InputError for a folder that holds another data set, and
    MienError when a worker dies.
    """
    template = load_template(spec.sequence.person.template)
    claim_folder(folder, dataset_key(spec, template), asdict(spec), spec.shards)
    digest = template_digest(template)
    jobs = [_ShardJob(spec, digest, str(folder), n) for n in range(spec.shards)]
    make_shards(folder, _make_shard, jobs, workers, report)


def dataset_key(spec: DatasetSpec, template: Template) -> str:
    """SHA-256 of all that the images follow from: spec, template, clip, renderer.

    Raises InputError for a clip that cannot be read.
    """
    clip = spec.sequence.performance.clip
    content = {
        "format": _FORMAT,
        "renderer": RENDERING_VERSION,
        "spec": spec,
        "template": template_digest(template),
        "clip": file_digest(Path(clip)) if clip else None,
    }
    return content_digest(content)


@lru_cache(maxsize=2)
def worker_template(name: str, digest: str) -> Template:
    """`load_template`, once a worker process: each of its jobs needs it.

    `digest`: the `template_digest` for which the caller named the jobs' files. Raises InputError
    where the name now stands for other content.
    """
    template = load_template(name)
    if template_digest(template) != digest:
        raise InputError(f"template {name!r}: changed since this call began; call again")
    return template


def sequence_seed(seed: int, index: int) -> int:
    """Of sequence `index` in a data set of `seed`."""
    return int(np.random.default_rng((seed, index, 61)).integers(2**31))


@dataclass(frozen=True)
class _ShardJob:
    spec: DatasetSpec
    template_digest: str
    folder: str
    number: int


def _make_shard(job: _ShardJob) -> None:
    spec = job.spec
    template = worker_template(spec.sequence.person.template, job.template_digest)
    first = job.number * spec.sequences_per_shard
    frames: list[LabelledFrame] = []
    for index in range(first, min(first + spec.sequences_per_shard, spec.sequences)):
        drawn = draw_sequence(spec.sequence, template, sequence_seed(spec.seed, index))
        frames += drawn.frames(spec.labels, index)
    write_arrays(shard_path(Path(job.folder), job.number), _arrays(frames))


def _arrays(frames: list[LabelledFrame]) -> dict[str, Any]:
    """Columns, one row per image; those of the mesh once a moment."""
    moments = [f for f in frames if f.view == 0]
    columns: dict[str, Any] = {
        name: np.stack([getattr(f, name) for f in frames])
        for name in ("image", "mask", "part", "depth_m", "normals", "uv", "landmarks_px")
        if getattr(frames[0], name) is not None
    }
    columns |= {
        name: np.stack([getattr(f, name) for f in moments])
        for name in ("vertices", "weights", "world_from_head", "landmarks")
        if getattr(frames[0], name) is not None
    }
    for name in ("view", "sequence", "identity", "time_s", "in_time"):
        columns[name] = np.array([getattr(f, name) for f in frames])
    columns["moment"] = np.cumsum([f.view == 0 for f in frames]) - 1
    cameras = [f.camera for f in frames]
    columns["K"] = np.stack([c.K for c in cameras])
    columns["camera_from_world"] = np.stack([c.camera_from_world for c in cameras])
    columns["distortion"] = np.array([(c.k1, c.k2) for c in cameras])
    return columns
