"""The loop in which refinement learns from scans."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.capture.learning.scan_reading import ScanReading
from mien_training.capture.learning.train_on_readings import ReadingTraining, reading_trainer
from mien_training.capture.refinement.refinement import Refinement
from mien_training.capture.refinement.scan_loss import ScanLoss, ScanTarget, ScanTerms
from mien_training.capture.refinement.surface_match import geman_mcclure
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import Report, silent
from mien_training.runs.trainer import Trained

__all__ = [
    "ScanTraining",
    "TunedOnScans",
    "held_out_moments",
    "scan_distances_mm",
    "train_on_scans",
]

_CHECKS = 8
_ALL_VIEWS = 0.5
"""Share of steps in which all cameras are used, as they will be."""


@dataclass(frozen=True)
class ScanTraining:
    """How refinement learns from scans."""

    loop: ReadingTraining = field(
        default_factory=lambda: ReadingTraining(steps=400, batch=2, learning_rate=5e-4)
    )
    """How long, and on how much."""
    terms: ScanTerms = field(default_factory=ScanTerms)
    """What is asked for."""
    points: int = 4000
    """Of a scan, in each step."""
    held_out: float = 0.2
    """Share of the moments by which the best state is chosen, at least one; none is learnt from."""

    def __post_init__(self) -> None:
        if self.points < 1 or not 0 < self.held_out <= 0.5:
            raise InputError(
                f"ScanTraining: points {self.points}, held_out {self.held_out}, expected 1 or "
                "more, and above 0 to 0.5"
            )


@dataclass(frozen=True)
class TunedOnScans:
    """What a training was like; the stage is left in its best state."""

    before: dict[str, float]
    """Figures of held-out moments, millimetres."""
    after: dict[str, float]
    """The same: of the state before, where no other came nearer to the scans."""
    trained: Trained


def held_out_moments(count: int, share: float) -> list[int]:
    """Indices, evenly spread, of at least one moment and not all of them."""
    held = min(max(1, round(share * count)), count - 1)
    return sorted({int(n) for n in (np.arange(held) + 0.5) * count / held})


def scan_distances_mm(loss: ScanLoss, found: Tensor, target: ScanTarget) -> Tensor:
    """(N,) of the scan's points to vertices (K, 3) of skin, whether they agree or not."""
    mesh = target.start.index_copy(0, loss.chosen, found.detach().float())
    nearest = nearest_on_surface(
        mesh.numpy(), loss.triangles.numpy()[loss.skin], target.points.numpy()
    )
    return 1e3 * torch.from_numpy(nearest.distance)


def train_on_scans(
    stage: Refinement,
    loss_of: ScanLoss,
    config: ScanTraining,
    moments: Sequence[Path],
    judged: Sequence[Path],
    checkpoint: Checkpoint | None = None,
    report: Report = silent,
) -> TunedOnScans:
    """Leaves a stage that has learnt already in its best state by the scans of `judged`: mean
    distance of points, distances ending as in the loss.

    moments, judged: files of `ScanReading.write`, kept in memory once read.
    """
    loop, chosen = config.loop, stage.chosen
    checks = [ScanReading.read(path) for path in judged]
    targets = [ScanTarget.of(moment, chosen) for moment in checks]

    @cache
    def kept(index: int) -> ScanReading:
        return ScanReading.read(moments[index])

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng((loop.seed, step))
        total = torch.zeros(())
        size = min(loop.batch, len(moments))
        for index in rng.choice(len(moments), size, replace=False):
            moment = kept(int(index))
            count, every = len(moment.reading.K), len(moment.points)
            fewest = min(loop.fewest_views, count)
            used = count if rng.random() < _ALL_VIEWS else int(rng.integers(fewest, count + 1))
            points = rng.choice(every, min(config.points, every), replace=False)
            target = ScanTarget.of(moment, chosen, points)
            passes = stage(moment.reading, rng.permutation(count)[:used])
            for found, _ in passes:
                total = total + loss_of(found, target)
            # What the last pass expected before is known for all views together.
            if used == count:
                total = total + loss_of.of_doubt(passes[-1][1], target)
        return total / size

    def validate(module: nn.Module) -> dict[str, float]:
        rows = []
        for moment, target in zip(checks, targets, strict=True):
            far = scan_distances_mm(loss_of, module(moment.reading)[-1][0], target)
            robust = geman_mcclure(far.square(), 1e3 * loss_of.terms.scale_m)
            rows.append([float(robust.mean()), float(far.median())])
        error, median = np.mean(rows, 0).tolist()
        return {"error": error, "median": median}

    start = deepcopy(stage.state_dict())
    with torch.no_grad():
        before = validate(stage)
    trainer = reading_trainer(
        stage, loop, max(1, loop.steps // _CHECKS), checkpoint, report, "learning from scans"
    )
    trained = trainer.run(loss, validate)
    if trained.error >= before["error"]:
        stage.load_state_dict(start)
        return TunedOnScans(before, before, trained)
    best = next(h for h in trained.history if h["step"] == trained.step)
    return TunedOnScans(before, {name: best[name] for name in before}, trained)
