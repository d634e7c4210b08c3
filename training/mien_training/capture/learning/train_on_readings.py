"""The loop in which the coarse stage and refinement learn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import Report, silent
from mien_training.runs.trainer import Trained, Trainer, TrainerConfig

__all__ = [
    "Places", "ReadingTraining", "VertexLoss", "VertexStage", "averaging_trainer",
    "train_on_readings",
]  # fmt: skip

Places = list[tuple[Tensor, Tensor]]
"""After each pass of a stage: (K, 3) of its vertices, head space, and (K,) expected distances,
metres."""
VertexLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of places (K, 3), true places (K, 3) and expected distances (K,): a scalar."""


class VertexStage(nn.Module, ABC):
    """A module that places some vertices of the template."""

    chosen: Tensor
    """(K,) which."""

    @abstractmethod
    def forward(self, reading: MomentReading, views: NDArray[np.integer] | None = None) -> Places:
        """views: those that are used; all if left out."""


@dataclass(frozen=True)
class ReadingTraining:
    """How long, and on how much."""

    steps: int = 3000
    """Optimiser steps."""
    batch: int = 3
    """Moments a step."""
    fewest_views: int = 2
    """Views are left out by chance, down to this number."""
    learning_rate: float = 2e-3
    """Of AdamW at its highest; it ends at nothing."""
    seed: int = 0
    """Of initial weights, order and views."""

    def __post_init__(self) -> None:
        if min(self.steps, self.batch) < 1 or self.fewest_views < 2 or not self.learning_rate > 0:
            raise InputError(
                f"ReadingTraining: steps {self.steps}, batch {self.batch}, fewest_views "
                f"{self.fewest_views}, learning_rate {self.learning_rate}, expected 1, 1, 2 or "
                "more, above 0"
            )


def train_on_readings(
    stage: VertexStage,
    loss_of: VertexLoss,
    config: ReadingTraining,
    readings: Sequence[Path],
    judged: Sequence[Path],
    checkpoint: Checkpoint | None = None,
    report: Report = silent,
    name: str = "training",
    read: Callable[[Path], MomentReading] = MomentReading.read,
) -> Trained:
    """Leaves a stage in its best state by `judged`, mean distance over all its vertices; it learns
    on the device where it is.

    readings, judged: files of `MomentReading.write` with truth; kept in memory once read. read: how
    they are, where what is on disk is not yet what the stage is given.
    """
    chosen = stage.chosen
    device = chosen.device
    checks = [read(path) for path in judged]

    @cache
    def kept(index: int) -> MomentReading:
        return read(readings[index])

    def loss(step: int) -> Tensor:
        rng = np.random.default_rng((config.seed, step))
        total = torch.zeros((), device=device)
        size = min(config.batch, len(readings))
        for index in rng.choice(len(readings), size, replace=False):
            reading = kept(int(index))
            count = len(reading.K)
            views = rng.permutation(count)
            views = views[: int(rng.integers(min(config.fewest_views, count), count + 1))]
            true = torch.from_numpy(reading.truth).to(device)[chosen]
            for found, spread in stage(reading, views):
                total = total + loss_of(found, true, spread)
        return total / size

    def validate(module: nn.Module) -> dict[str, float]:
        rows = []
        for reading in checks:
            true = torch.from_numpy(reading.truth).to(device)[chosen]
            meshes = [torch.from_numpy(reading.start).to(device)[chosen]]
            meshes += [found for found, _ in module(reading)]
            rows.append([1e3 * float((m - true).norm(dim=1).mean()) for m in meshes])
        means = np.mean(rows, 0).tolist()
        return {"error": means[-1]} | {f"after {n} passes": value for n, value in enumerate(means)}

    trainer = averaging_trainer(
        stage, config.steps, config.learning_rate, min(250, config.steps), checkpoint, report, name
    )
    return trainer.run(loss, validate)


def averaging_trainer(
    stage: nn.Module,
    steps: int,
    learning_rate: float,
    check_every: int,
    checkpoint: Checkpoint | None,
    report: Report,
    name: str,
) -> Trainer:
    """With AdamW and a rate that rises shortly and falls to nothing; averages of the parameters
    are what is judged and kept."""
    optimiser = torch.optim.AdamW(stage.parameters(), learning_rate, weight_decay=1e-4)
    return Trainer(
        stage, optimiser,
        TrainerConfig(
            steps, check_every, clip_norm=1.0,
            ema_decay=min(0.995, max(0.0, 1 - 50 / steps)),
        ),
        schedule=torch.optim.lr_scheduler.LambdaLR(optimiser, _rate(steps)),
        checkpoint=checkpoint, report=report, stage=name,
    )  # fmt: skip


def _rate(steps: int) -> Callable[[int], float]:
    warm = min(100, steps // 10)

    def rate(step: int) -> float:
        return min(1.0, (step + 1) / (warm + 1)) * 0.5 * (1 + float(np.cos(np.pi * step / steps)))

    return rate
