"""Moments of a data set, read by the correspondence net, as files that later stages learn from."""

from __future__ import annotations

from collections.abc import Iterator
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
from mien_training.synthetic.capture.dataset.read import CaptureReader
from mien_training.synthetic.capture.moments import CaptureMoment

__all__ = ["ReadingJob", "read_moments"]

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
    job: ReadingJob, moments: Path, count: int, folder: Path, report: Report = silent
) -> list[Path]:
    """Files in `folder` of the first `count` moments of a data set; those that are there stay.

    Moments in which no head is found are left out; an empty file remembers them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, moment in enumerate(_first(CaptureReader(moments), count)):
        path = folder / f"{moment.seed}.npz"
        if not path.exists():
            reading = _read(job, moment)
            if reading is None:
                path.touch()
            else:
                reading.write(path)
        if path.stat().st_size:
            found.append(path)
        report(Progress("reading moments", number + 1, count, {"found": len(found)}))
    return found


def _first(reader: CaptureReader, count: int) -> Iterator[CaptureMoment]:
    for number, moment in enumerate(reader):
        if number >= count:
            return
        yield moment


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
