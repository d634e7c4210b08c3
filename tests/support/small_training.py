"""A small network with dropout that learns a line: for tests of the trainer, in this process and in
others."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import Report, silent
from mien_training.runs.trainer import Trained, Trainer, TrainerConfig

CONFIG = TrainerConfig(steps=60, check_every=10, clip_norm=1.0, ema_decay=0.9)


def train_small(
    checkpoint: Path | None = None, config: TrainerConfig = CONFIG, report: Report = silent
) -> tuple[dict[str, Tensor], Trained]:
    """The best state, and the curve."""
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    network = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 1))
    optimiser = torch.optim.AdamW(network.parameters(), 0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    mix = torch.tensor([[0.5], [-1.0], [0.2], [0.8]])
    held = torch.from_numpy(np.random.default_rng(9).normal(size=(64, 4)).astype(np.float32))

    def loss(step: int) -> Tensor:
        x = torch.from_numpy(rng.normal(size=(16, 4)).astype(np.float32))
        return (network(x) - x @ mix).square().mean()

    def validate(module: nn.Module) -> dict[str, float]:
        return {"error": float((module(held) - held @ mix).square().mean())}

    saved = None if checkpoint is None else Checkpoint(checkpoint, {"configuration": "small"})
    trainer = Trainer(
        network, optimiser, config, schedule=schedule, generators=(rng,), checkpoint=saved,
        report=report,
    )  # fmt: skip
    trained = trainer.run(loss, validate)
    return {name: value.clone() for name, value in network.state_dict().items()}, trained


def train_in_child(checkpoint: Path, log: Path) -> None:
    """The same in a process of its own, as a command runs it; writes finished steps to `log`."""
    torch.set_num_threads(1)
    with log.open("a") as steps, suppress(KeyboardInterrupt), interruptible(checkpoint.parent):
        train_small(checkpoint, report=lambda now: print(now.done, file=steps, flush=True))
