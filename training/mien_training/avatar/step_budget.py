"""How many steps of a training fill some minutes of this machine: measured once, then kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.runs.progress import Progress, Report

__all__ = ["PROBED", "steps_for"]

_WARM_UP, _MEASURED = 4, 8
PROBED = _WARM_UP + _MEASURED
"""Steps that `train` takes to be measured."""
_SECONDS = 60.0

Clock = Callable[[], float]


def steps_for(
    path: Path, kind: str, minutes: float, train: Callable[[Report], object],
    clock: Clock = time.perf_counter,
) -> int:  # fmt: skip
    """Steps of the training of a kind that take about `minutes`, at least 1.

    train: takes PROBED steps of it and reports each. What was found stands in the file `path`, by
    kind, so that a run that goes on has the same number. Raises InputError for a file that holds
    something else.
    """
    known = _read(path)
    if kind not in known:
        known[kind] = max(1, round(_SECONDS * minutes / _step_s(train, clock)))
        write_atomically(path, json.dumps(known, indent=1).encode() + b"\n")
    return known[kind]


def _step_s(train: Callable[[Report], object], clock: Clock) -> float:
    """Median seconds of the steps after the first few, in which caches are filled."""
    ends: list[float] = []

    def note(progress: Progress) -> None:
        ends.append(clock())

    train(note)
    took = np.diff(ends)[_WARM_UP - 1 :]
    return max(float(np.median(took)), 1e-9)


def _read(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_bytes())
        steps = {str(kind): value for kind, value in found.items()}
        if not all(type(n) is int and n >= 1 for n in steps.values()):
            raise ValueError("not all of it are numbers of steps")
    except (OSError, ValueError, AttributeError) as reason:
        raise InputError(
            f"{path}: does not hold steps by kind ({reason}); delete the folder to start afresh"
        ) from None
    return steps
