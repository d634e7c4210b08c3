"""The loop in which every network of this project learns.

On one thread of the CPU a run that was interrupted and called again ends bit for bit where one
without interruption ends: what a step depends on is all in the checkpoint, random generators
included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mien.errors import InputError, MienError
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["Trained", "Trainer", "TrainerConfig"]


@dataclass(frozen=True)
class TrainerConfig:
    """How long, and what is kept."""

    steps: int
    """Optimiser steps."""
    check_every: int = 100
    """Steps between checks: validation, then a checkpoint; the last step is always one."""
    clip_norm: float | None = None
    """Longest gradient, of all parameters together; None leaves gradients as they are."""
    patience: int | None = None
    """Checks without a better error after which training ends; None trains to the last step."""
    ema_decay: float = 0.0
    """Validate and keep an exponential moving average of the parameters with this decay a step
    (Polyak averaging); 0 keeps the parameters themselves."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: where torch's autocast deems it safe; parameters and validation stay in float32."""

    def __post_init__(self) -> None:
        patience = 1 if self.patience is None else self.patience
        if min(self.steps, self.check_every, patience) < 1:
            raise InputError(
                f"TrainerConfig: steps {self.steps}, check_every {self.check_every}, patience "
                f"{self.patience}, expected 1 or more"
            )
        if not 0 <= self.ema_decay < 1 or (self.clip_norm is not None and not self.clip_norm > 0):
            raise InputError(
                f"TrainerConfig: ema_decay {self.ema_decay}, clip_norm {self.clip_norm}, expected "
                "0 or more, below 1, and above 0"
            )
        if self.precision not in ("float32", "bfloat16"):
            raise InputError(
                f"TrainerConfig: precision {self.precision!r}, expected float32 or bfloat16"
            )


@dataclass(frozen=True)
class Trained:
    """What a training was like; the module itself is left in its best state."""

    error: float
    """The least of all checks."""
    step: int
    """Steps after which it was reached."""
    history: tuple[dict[str, float], ...]
    """Every check: `step`, mean `loss` since the one before, and what `validate` returned."""
    wall_s: float = field(compare=False)
    """Of the steps and checks that led here, over all interruptions."""
    cpu_s: float = field(compare=False)
    """Of the processor, all threads together."""


class Trainer:
    """Steps of an optimiser on a module, with checks, checkpoints and resuming."""

    def __init__(
        self,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        config: TrainerConfig,
        *,
        schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
        generators: Sequence[np.random.Generator] = (),
        checkpoint: Checkpoint | None = None,
        report: Report = silent,
        stage: str = "training",
    ) -> None:
        """The module is on the device on which it is to learn, the optimiser made of its
        parameters. generators: what draws batches beside the global random generators."""
        self.module, self.optimiser, self.config = module, optimiser, config
        self.schedule, self.generators, self.checkpoint = schedule, tuple(generators), checkpoint
        self.report, self.stage = report, stage
        self.device = next(module.parameters()).device
        self._average: AveragedModel | None = None
        if config.ema_decay:
            average = get_ema_multi_avg_fn(config.ema_decay)  # type: ignore[no-untyped-call]
            self._average = AveragedModel(module, multi_avg_fn=average)
        self.step, self.stale = 0, 0
        self.best_error, self.best_step, self.best = float("inf"), 0, self._copy()
        self.history: list[dict[str, float]] = []
        self.wall_s, self.cpu_s = 0.0, 0.0
        self._counted = (0.0, 0.0)

    def run(
        self,
        loss: Callable[[int], Tensor],
        validate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    ) -> Trained:
        """Train from the checkpoint, if there is one, to the end.

        loss: scalar for a step (counted from 0), called in training mode. validate: figures of a
        module in evaluation mode, without gradients; `error` among them is what is to become
        small. Without it, the loss is, and the last state counts as the best.

        Raises InputError for a checkpoint that does not fit, MienError for a loss or an error
        that is not finite.
        """
        saved = None if self.checkpoint is None else self.checkpoint.resume()
        if saved is not None:
            self._restore(saved)
        self._counted = _clocks()
        config = self.config
        losses: list[float] = []
        while self.step < config.steps and not self._ended:
            losses.append(self._step(loss))
            self.report(Progress(self.stage, self.step, config.steps, {"loss": losses[-1]}))
            if self.step % config.check_every == 0 or self.step == config.steps:
                self._check(float(np.mean(losses)), validate)
                losses = []
                self._count()
                if self.checkpoint is not None:
                    self.checkpoint.save(self._state())
        self.module.load_state_dict(self.best)
        self.module.eval()
        return Trained(
            self.best_error, self.best_step, tuple(self.history), self.wall_s, self.cpu_s
        )

    def _count(self) -> None:
        """Add what passed since the last time to the seconds."""
        before, self._counted = self._counted, _clocks()
        self.wall_s += self._counted[0] - before[0]
        self.cpu_s += self._counted[1] - before[1]

    @property
    def _ended(self) -> bool:
        return self.config.patience is not None and self.stale >= self.config.patience

    @property
    def _judged(self) -> nn.Module:
        """Of the parameters or of their average: what is validated and kept."""
        return self.module if self._average is None else self._average.module

    def _step(self, loss_of: Callable[[int], Tensor]) -> float:
        self.module.train()
        lower = self.config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=lower):
            loss = loss_of(self.step)
        value = float(loss.detach())
        if not isfinite(value):
            raise MienError(f"{self.stage}: the loss is {value} at step {self.step}")
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.config.clip_norm)
        self.optimiser.step()
        if self.schedule is not None:
            self.schedule.step()
        if self._average is not None:
            self._average.update_parameters(self.module)
        self.step += 1
        return value

    def _check(
        self, loss: float, validate: Callable[[nn.Module], Mapping[str, float]] | None
    ) -> None:
        figures: dict[str, float] = {"error": loss}
        if validate is not None:
            self._judged.eval()
            with torch.no_grad():
                figures = dict(validate(self._judged))
        error = figures["error"]
        if not isfinite(error):
            raise MienError(f"{self.stage}: the error is {error} after step {self.step}")
        self.history.append({"step": float(self.step), "loss": loss, **figures})
        self.stale = 0 if error < self.best_error else self.stale + 1
        if error < self.best_error or validate is None:
            self.best_error, self.best_step, self.best = error, self.step, self._copy()

    def _copy(self) -> dict[str, Tensor]:
        return {n: value.detach().clone() for n, value in self._judged.state_dict().items()}

    def _state(self) -> dict[str, Any]:
        return {
            "module": self.module.state_dict(), "optimiser": self.optimiser.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
            "step": self.step, "stale": self.stale,
            "best": self.best, "best_error": self.best_error, "best_step": self.best_step,
            "history": self.history, "wall_s": self.wall_s, "cpu_s": self.cpu_s,
            "generators": [g.bit_generator.state for g in self.generators],
        }  # fmt: skip

    def _restore(self, state: dict[str, Any]) -> None:
        self.module.load_state_dict(state["module"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self.step, self.stale, self.history = state["step"], state["stale"], state["history"]
        self.best, self.best_error = state["best"], state["best_error"]
        self.best_step = state["best_step"]
        self.wall_s, self.cpu_s = state["wall_s"], state["cpu_s"]
        for generator, drawn in zip(self.generators, state["generators"], strict=True):
            generator.bit_generator.state = drawn


def _clocks() -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    return time.perf_counter(), time.process_time()
