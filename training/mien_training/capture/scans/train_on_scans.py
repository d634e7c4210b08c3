"""The loop in which the linear step learns from scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.capture.learning.scan_reading import ScanReading
from mien_training.capture.learning.train_on_readings import averaging_trainer
from mien_training.capture.refinement.linear_step import LinearStep
from mien_training.capture.refinement.scan_loss import ScanLoss, ScanTarget, ScanTerms
from mien_training.capture.refinement.surface_match import geman_mcclure
from mien_training.capture.scans.step_tuning import StepTuning
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import Progress, Report, silent
from mien_training.runs.trainer import Trained

__all__ = [
    "ScanTraining",
    "TunedOnScans",
    "held_out_moments",
    "scan_distances_mm",
    "train_on_scans",
]

_CHECKS = 8


@dataclass(frozen=True)
class ScanTraining:
    """How the linear step learns from scans."""

    steps: int = 120
    """Optimiser steps."""
    batch: int = 2
    """Moments a step."""
    learning_rate: float = 0.03
    """Of AdamW at its highest, millimetres a step; it ends at nothing."""
    seed: int = 0
    """Of order and points."""
    terms: ScanTerms = field(default_factory=ScanTerms)
    """What is asked for."""
    points: int = 4000
    """Of a scan, in each step."""
    held_out: float = 0.2
    """Share of the moments by which the best state is chosen, at least one; none is learnt from."""

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.points) < 1 or not self.learning_rate > 0:
            raise InputError(
                f"ScanTraining: steps {self.steps}, batch {self.batch}, points {self.points}, "
                f"learning_rate {self.learning_rate}, expected 1 or more, and above 0"
            )
        if not 0 < self.held_out <= 0.5:
            raise InputError(f"ScanTraining: held_out {self.held_out}, expected above 0 to 0.5")


@dataclass(frozen=True)
class TunedOnScans:
    """What a training was like."""

    linear: LinearStep
    """In its best state: the one that was given, where no other came nearer to the scans."""
    before: dict[str, float]
    """Figures of held-out moments, millimetres."""
    after: dict[str, float]
    """The same of `linear`."""
    trained: Trained


@dataclass(frozen=True, eq=False)
class _Told:
    """A moment, its maps read and gone."""

    moment: ScanReading
    about: Tensor
    """(R,) see `LinearStep.about`."""

    @classmethod
    def of(cls, linear: LinearStep, path: Path) -> _Told:
        moment = ScanReading.read(path)
        about = linear.about(moment.reading)
        bare = replace(moment.reading, maps=moment.reading.maps[:0])
        return cls(replace(moment, reading=bare), about)


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
    linear: LinearStep,
    loss_of: ScanLoss,
    config: ScanTraining,
    moments: Sequence[Path],
    judged: Sequence[Path],
    checkpoint: Checkpoint | None = None,
    report: Report = silent,
) -> TunedOnScans:
    """A linear step that is best by the scans of `judged`: mean distance of points, distances
    ending as in the loss.

    moments, judged: files of `ScanReading.write`, of nets with that linear step.
    """
    read = []
    for number, path in enumerate((*moments, *judged)):
        read.append(_Told.of(linear, path))
        report(Progress("loading moments", number + 1, len(moments) + len(judged)))
    learnt, checks = read[: len(moments)], read[len(moments) :]
    tuning = StepTuning(linear, torch.stack([told.about for told in learnt]))

    @cache
    def whole(index: int) -> ScanTarget:
        return ScanTarget.of(checks[index].moment, loss_of.chosen)

    def placed(module: nn.Module, told: _Told) -> Tensor:
        found: Tensor = torch.from_numpy(told.moment.places) + module(told.about)
        return found

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng((config.seed, step))
        total = torch.zeros(())
        size = min(config.batch, len(learnt))
        for index in rng.choice(len(learnt), size, replace=False):
            told = learnt[int(index)]
            every = len(told.moment.points)
            points = rng.choice(every, min(config.points, every), replace=False)
            target = ScanTarget.of(told.moment, loss_of.chosen, points)
            total = total + loss_of(placed(tuning, told), target)
        return total / size

    def validate(module: nn.Module) -> dict[str, float]:
        rows = []
        for index, told in enumerate(checks):
            far = scan_distances_mm(loss_of, placed(module, told), whole(index))
            robust = geman_mcclure(far.square(), 1e3 * loss_of.terms.scale_m)
            rows.append([float(robust.mean()), float(far.median())])
        error, median = np.mean(rows, 0).tolist()
        return {"error": error, "median": median}

    with torch.no_grad():
        before = validate(tuning)
    trainer = averaging_trainer(
        tuning, config.steps, config.learning_rate, max(1, config.steps // _CHECKS), checkpoint,
        report, "learning from scans",
    )  # fmt: skip
    trained = trainer.run(loss, validate)
    if trained.error >= before["error"]:
        return TunedOnScans(linear, before, before, trained)
    best = next(h for h in trained.history if h["step"] == trained.step)
    after = {name: best[name] for name in before}
    return TunedOnScans(tuning.joined(linear), before, after, trained)
