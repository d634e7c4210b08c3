"""All moments of a take through a predictor, resumable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.capture.moment_result import HeadPredictor, MomentResult
from mien_training.capture.run.moment_checks import checked_moment
from mien_training.capture.run.moment_shards import (
    SHARD,
    finished_moments,
    read_shard,
    write_shard,
)
from mien_training.capture.take import MultiViewTake, TakeMoment
from mien_training.footage.captured import MomentSightings
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["common_failures", "predict_moments"]

_STAGE = "capturing"
_UNKNOWN_M = 1.0
"""Spread of a mesh that nothing is known of."""


@dataclass(frozen=True, eq=False)
class _Before:
    """What a moment takes over from the one before."""

    mesh: NDArray[np.float32]
    """Stands where nothing is seen."""
    pose: NDArray[np.float64]
    believed: bool

    def after(self, result: MomentResult) -> _Before:
        good = not result.failure
        mesh, pose = (result.vertices, result.world_from_head) if good else (self.mesh, self.pose)
        return _Before(mesh, pose, good)


def predict_moments(
    take: MultiViewTake,
    predictor: HeadPredictor,
    folder: Path,
    report: Report = silent,
    give_up: int = 30,
) -> None:
    """Leaves the shards of all moments in `folder` (`moment_shards`); those that lie there without
    a gap are not made again, and what follows them is as if there had been no interruption.

    A moment that cannot be captured is a failure, and has the mesh of the last good one. Raises
    InputError where the first `give_up` moments, or all, are failures; nothing is written then.
    """
    total = len(take)
    begun = finished_moments(folder, total)
    before = _Before(predictor.template.vertices, np.eye(4), False)
    failures: list[str] = []
    for number in range(-(-begun // SHARD)):
        for result in read_shard(folder, number):
            before = before.after(result)
            failures.append(result.failure)
    start = perf_counter()
    waiting: list[MomentResult] = []
    moments = take.moments(range(begun, total))
    for number in range(begun, total):
        clock = perf_counter()
        moment = next(moments)
        reading = perf_counter() - clock
        result = _predicted(take, predictor, moment, before)
        del moment  # the next one is read before this name is bound again
        waiting.append(replace(result, seconds={"reading": reading, **result.seconds}))
        before = before.after(result)
        failures.append(result.failure)
        if all(failures) and len(failures) >= min(give_up, total):
            raise InputError(_nothing(take, failures))
        if not all(failures):
            waiting = _written(folder, number + 1, waiting, number + 1 == total)
        speed = (number + 1 - begun) / max(perf_counter() - start, 1e-9)
        failed = sum(map(bool, failures))
        report(Progress(_STAGE, number + 1, total, {"moments/s": speed, "failed": failed}))


def _predicted(
    take: MultiViewTake, predictor: HeadPredictor, moment: TakeMoment, before: _Before
) -> MomentResult:
    clock = perf_counter()
    try:
        found = predictor.predict(
            moment.images, take.cameras, before.pose if before.believed else None
        )
    except InputError as reason:
        found = _unknown(before, str(reason))
    checked = checked_moment(found, take.cameras, take.names, predictor.template)
    spent = perf_counter() - clock
    told = dict(found.seconds)
    told["predicting" if not told else "other"] = max(spent - sum(told.values()), 0.0)
    return replace(checked, seconds=told)


def _unknown(before: _Before, failure: str) -> MomentResult:
    count = len(before.mesh)
    return MomentResult(
        vertices=before.mesh,
        world_from_head=before.pose,
        confidence=np.zeros(count, np.float32),
        views=np.zeros(count, np.uint8),
        spread_m=np.full(count, _UNKNOWN_M, np.float32),
        sightings=MomentSightings.none(),
        failure=failure,
    )


def _written(folder: Path, done: int, waiting: list[MomentResult], end: bool) -> list[MomentResult]:
    """Whole shards of what waits go to disk, at the end the rest as well; what still waits."""
    first = done - len(waiting)
    while len(waiting) >= SHARD or (end and waiting):
        write_shard(folder, first // SHARD, waiting[:SHARD])
        first, waiting = first + SHARD, waiting[SHARD:]
    return waiting


def common_failures(failures: Sequence[str]) -> list[tuple[str, int]]:
    """Reasons and how many moments have each, the most frequent first."""
    return Counter(text for text in failures if text).most_common()


def _nothing(take: MultiViewTake, failures: Sequence[str]) -> str:
    reasons = "; ".join(f"{count} x {text}" for text, count in common_failures(failures)[:3])
    frames = take.frames[: len(failures)]
    which = f"frame {frames[0]}" if len(frames) == 1 else f"frames {frames[0]} to {frames[-1]}"
    return (
        f"{', '.join(take.names)}: no head in any of the first {len(failures)} moments ({which}) "
        f"with the cameras of {take.calibration}: {reasons}. Expected one head that two or more "
        "cameras see; --frames leaves out a beginning without one"
    )
