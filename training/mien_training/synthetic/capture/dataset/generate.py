"""Captured moments on disk: whole shards, resumable by seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from mien_training.head import Template
from mien_training.rendering import RENDERING_VERSION
from mien_training.runs.cache import write_arrays
from mien_training.runs.content_key import content_digest, template_digest
from mien_training.runs.progress import Report, silent
from mien_training.runs.shards import claim_folder, make_shards, shard_path
from mien_training.synthetic.capture.dataset.packing import pack_moments
from mien_training.synthetic.capture.moments import draw_moment
from mien_training.synthetic.capture.spec import CaptureDatasetSpec
from mien_training.synthetic.factory.generate import worker_template
from mien_training.templates import load_template

__all__ = ["capture_key", "generate_captures"]

_FORMAT = 1
"""Raised whenever shards are laid out differently, or moments are drawn otherwise."""


def generate_captures(
    spec: CaptureDatasetSpec,
    folder: Path,
    workers: int | None = None,
    report: Report = silent,
) -> None:
    """Make what is missing of the data set in `folder`; read it with `CaptureReader`.

    Bytes do not depend on the number of workers, on the order, or on interruptions. `report` hears
    of shards. Raises InputError for a folder that holds another data set, and MienError when a
    worker dies.
    """
    template = load_template(spec.template)
    claim_folder(folder, capture_key(spec, template), asdict(spec), spec.shards)
    digest = template_digest(template)
    jobs = [_ShardJob(spec, digest, str(folder), n) for n in range(spec.shards)]
    make_shards(folder, _make_shard, jobs, workers, report)


def capture_key(spec: CaptureDatasetSpec, template: Template) -> str:
    """SHA-256 of all that the moments follow from: spec, template, renderer."""
    content = {
        "format": _FORMAT,
        "renderer": RENDERING_VERSION,
        "spec": spec,
        "template": template_digest(template),
    }
    return content_digest(content)


@dataclass(frozen=True)
class _ShardJob:
    spec: CaptureDatasetSpec
    template_digest: str
    folder: str
    number: int


def _make_shard(job: _ShardJob) -> None:
    spec = job.spec
    template = worker_template(spec.template, job.template_digest)
    first = job.number * spec.moments_per_shard
    last = min(first + spec.moments_per_shard, spec.moments)
    moments = [draw_moment(spec.moment, template, spec.first_seed + n) for n in range(first, last)]
    write_arrays(shard_path(Path(job.folder), job.number), pack_moments(moments, template))
