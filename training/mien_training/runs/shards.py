"""Data sets on disk: a folder of whole files, claimed by one content, made by any number of
processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.runs.progress import Progress, Report, silent
from mien_training.runs.worker_pool import run_in_processes

__all__ = ["KEY_FILE", "claim_folder", "make_shards", "read_claim", "shard_path"]

Job = TypeVar("Job")

KEY_FILE = "dataset.json"


def shard_path(folder: Path, number: int) -> Path:
    """Where shard `number` lies."""
    return folder / f"shard-{number:06d}.npz"


def claim_folder(folder: Path, key: str, spec: Mapping[str, Any], shards: int) -> None:
    """Make `folder` the one of the data set `key`, a hash of all that its bytes follow from.

    Raises InputError for a folder that holds another data set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / KEY_FILE
    if not path.exists():
        claim = {"key": key, "spec": spec, "shards": shards}
        write_atomically(path, json.dumps(claim, indent=1).encode() + b"\n")
        return
    try:
        found = json.loads(path.read_bytes())["key"]
    except (ValueError, KeyError, TypeError):
        found = None
    if found != key:
        raise InputError(
            f"{path}: the folder holds a data set of another spec, template, clip or renderer; "
            "expected an empty folder or the same"
        )


def make_shards(
    folder: Path,
    make: Callable[[Job], None],
    jobs: Sequence[Job],
    workers: int | None = None,
    report: Report = silent,
) -> None:
    """Call `make`, a function of a module, on the job of each shard that is not there yet.

    jobs: one a shard, in order. `report` hears of shards. Raises MienError when a worker dies.
    """
    todo = [job for n, job in enumerate(jobs) if not shard_path(folder, n).exists()]
    if todo:
        done = len(jobs) - len(todo)
        run_in_processes(
            make, todo, workers,
            lambda at: report(Progress("rendering", done + at.done, len(jobs))),
        )  # fmt: skip


def read_claim(folder: Path, kind: str) -> tuple[str, int, dict[str, Any]]:
    """Key, number of shards, and spec of a finished data set.

    kind: what it should be, for messages. Raises InputError for a folder without a data set, or
    an unfinished one.
    """
    path = folder / KEY_FILE
    try:
        claim = json.loads(path.read_bytes())
        key, shards, spec = str(claim["key"]), int(claim["shards"]), dict(claim["spec"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not a data set of {kind}") from None
    missing = [n for n in range(shards) if not shard_path(folder, n).exists()]
    if missing:
        raise InputError(
            f"{folder}: {len(missing)} of {shards} shards are not made yet; making it again goes "
            "on where it stopped"
        )
    return key, shards, spec
