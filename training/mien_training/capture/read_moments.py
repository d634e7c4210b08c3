"""Moments of a data set, read by the correspondence net, as files that later stages learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mien.errors import InputError
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.first_mesh import FirstMeshConfig, first_mesh
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.morphable.linear_heads import LinearHeads
from mien_training.head import Template
from mien_training.runs.progress import Progress, Report, silent
from mien_training.runs.worker_pool import run_in_processes
from mien_training.synthetic.capture.dataset.read import CaptureReader
from mien_training.synthetic.capture.moments import CaptureMoment

__all__ = ["ReadingJob", "read_moments"]

_STAGE = "reading moments"
_LOST_M = 0.04
"""Mean distance of first meshes from the truth above which the head was not found at all: nothing
is to be learnt from them, and they are counted."""


@dataclass(frozen=True, eq=False)
class ReadingJob:
    """What reads."""

    net: CorrespondenceNet
    template: Template
    heads: LinearHeads
    first: FirstMeshConfig


def read_moments(
    job: ReadingJob,
    moments: Path,
    count: int,
    folder: Path,
    report: Report = silent,
    workers: int = 1,
) -> list[Path]:
    """Files in `folder` of the first `count` moments of a data set; those that are there stay.

    Moments in which no head is found are left out; an empty file remembers them. workers: processes
    that read, file by file of the data set; with 1 this one does. Raises MienError when one dies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reader = CaptureReader(moments)
    parts, left = [], count
    for number in range(reader.shards):
        seeds = reader.seeds(number)[:left]
        left -= len(seeds)
        if seeds:
            parts.append(_Part(job, moments, number, tuple(seeds), folder))
    missing = [part for part in parts if not all(path.exists() for path in part.paths)]
    if workers == 1:
        for number, part in enumerate(missing):
            _read_part(part)
            report(Progress(_STAGE, number + 1, len(missing)))
    else:
        run_in_processes(_read_part, missing, workers, report, _STAGE)
    return [path for part in parts for path in part.paths if path.stat().st_size]


@dataclass(frozen=True, eq=False)
class _Part:
    """Moments of one file of the data set."""

    job: ReadingJob
    moments: Path
    number: int
    seeds: tuple[int, ...]
    folder: Path

    @property
    def paths(self) -> list[Path]:
        return [self.folder / f"{seed}.npz" for seed in self.seeds]


def _read_part(part: _Part) -> None:
    torch.set_num_threads(1)
    for moment in CaptureReader(part.moments).shard(part.number):
        path = part.folder / f"{moment.seed}.npz"
        if moment.seed not in part.seeds or path.exists():
            continue
        reading = _read(part.job, moment)
        if reading is None:
            path.touch()
        else:
            reading.write(path)


def _read(job: ReadingJob, moment: CaptureMoment) -> MomentReading | None:
    try:
        with torch.no_grad():
            first = first_mesh(
                job.net, list(moment.images), moment.believed, job.template, job.heads, job.first
            )
    except InputError:
        return None
    off = np.linalg.norm(first.fit.vertices - moment.vertices, axis=1).mean()
    return MomentReading.of(first, moment.vertices) if off < _LOST_M else None
