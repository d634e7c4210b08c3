"""The optimiser's loop over frames: steps, checks on held-out frames, early stopping, resuming."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mien_training.geometry.adam_uniform import AdamUniform
from mien_training.rig.checkpoint import save_checkpoint
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.objective import Objective
from mien_training.rig.personal_rig import Shapes
from mien_training.rig.rig_model import RigModel

__all__ = ["FitLoop", "Progress"]

Progress = Callable[[str, int, int, float], None]
"""Stage, step, steps, loss."""

_RAW_STEP = 0.02
"""Raw vertices have no smoothing that would divide their steps."""


class FitLoop:
    """The stages "neutral" (template's shapes) and "joint" (personal shapes, clocks)."""

    def __init__(
        self, objective: Objective, moment: Tensor, config: RigFitConfig, progress: Progress | None
    ) -> None:
        """moment (N,): which frames are taken together."""
        self.objective, self.config, self.progress = objective, config, progress
        self.model: RigModel = objective.model
        self.model.motion.requires_grad_(False)  # it has a solver of its own
        seen = objective.seen
        held = seen.frame % config.held_out == config.held_out // 2
        held = held & (int(seen.frame.max()) + 1 > 2 * config.held_out)
        self.held_out = held.nonzero()[:, 0]
        training = (~held).nonzero()[:, 0]
        kept = moment.to(training.device)[training]
        self._moments = [training[kept == m] for m in torch.unique(kept)]
        self._moment = moment.to(training.device)
        self.step, self.best, self.stale = 0, float("inf"), 0
        self.history: list[dict[str, float]] = []
        self._geometry, self._rest = self._optimisers()
        self.best_state = self._copy()

    @property
    def stages(self) -> tuple[tuple[str, int], ...]:
        """Names and numbers of steps."""
        joint = self.config.joint_steps if self.config.personal_shapes else 0
        return (("neutral", self.config.neutral_steps), ("joint", joint))

    def run(self, checkpoint: Path | None = None) -> None:
        """Every step that is left; each stage ends in its best state."""
        done = 0
        for name, steps in self.stages:
            while self.step < done + steps:
                if self.step == done:
                    self.best, self.stale = float("inf"), 0
                every = self.config.shape_every if name == "joint" else 1
                loss = self._advance(name, self.step - done, steps, every)
                self.step = min(self.step + every, done + steps)
                if self.progress is not None:
                    self.progress(name, self.step - done, steps, loss)
                passed = (self.step - done) % self.config.check_every < every
                if passed or self.step == done + steps:
                    if self._check(name):
                        self.step = done + steps
                    if self.step == done + steps:
                        self.model.load_state_dict(self.best_state)
                    if checkpoint is not None:
                        save_checkpoint(checkpoint, self.config, self.state())
            done += steps

    def _advance(self, stage: str, step: int, steps: int, every: int) -> float:
        """`every` steps of motion and appearance, and one of the geometry."""
        config, joint = self.config, stage == "joint"
        share = step / steps
        decay = 0.05 + 0.95 * 0.5 * (1 + cos(pi * share))
        weights = config.losses
        progress = (share + joint) / 2
        landmark = weights.landmark ** (1 - progress) * weights.landmark_end**progress
        shapes = self.model.rig(personal_shapes=joint)
        # The shapes are computed once and gather the gradients of all of these steps.
        held = Shapes(*(t.detach().requires_grad_() for t in (shapes.neutral, shapes.deltas)))
        total = 0.0
        self._geometry.zero_grad()
        for i in range(every):
            self._rest.zero_grad()
            frames = self._draw(self.step + i)
            looked = self.objective.explain(held, frames, landmark)
            loss = looked.loss + self.objective.tracker_prior()
            loss.backward()  # type: ignore[no-untyped-call]
            if not joint:
                self.model.clocks.others.grad = None
            _step(self._rest, decay)
            noise = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.step + i)
            if self.step + i >= self.config.still_steps:
                self.objective.move(held, looked, self._moment[frames], noise)
            total += float(loss.detach())
        pulled = (shapes.neutral * _slope(held.neutral)).sum()
        if joint:
            pulled = pulled + (shapes.deltas * _slope(held.deltas)).sum()
        whole = pulled / every + self.objective.plausible(shapes, joint)
        whole.backward()
        _step(self._geometry, decay)
        return total / every

    def _draw(self, step: int) -> Tensor:
        """Frames of some moments; by the step alone, so that a resumed run sees the same ones."""
        rng = np.random.default_rng((self.config.seed, step))
        count = min(self.config.batch, len(self._moments))
        chosen = rng.choice(len(self._moments), count, replace=False)
        return torch.cat([self._moments[i] for i in chosen])

    def _check(self, stage: str) -> bool:
        """Measure on the held-out frames, keep the best; True if it is time to stop."""
        frames = self.held_out
        if not len(frames):
            frames = torch.cat(self._moments)
        weight = self.config.losses.landmark_end
        total, figures = 0.0, dict.fromkeys(("photometric", "landmark", "silhouette"), 0.0)
        with torch.no_grad():
            shapes = self.model.rig(personal_shapes=stage == "joint")
            for part in torch.split(frames, 4):
                looked = self.objective.explain(shapes, part, weight)
                total += float(looked.loss) * len(part) / len(frames)
                for key, value in looked.figures.items():
                    figures[key] += value * len(part) / len(frames)
        self.history.append({"step": float(self.step), "held_out": total, **figures})
        self.stale = 0 if total < 0.998 * self.best else self.stale + 1
        if total < self.best:
            self.best, self.best_state = total, self._copy()
        return self.stale >= self.config.patience

    def _optimisers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        model, config = self.model, self.config
        raw = config.smoothing == "none"
        kind, scale = (torch.optim.Adam, _RAW_STEP) if raw else (AdamUniform, 1.0)
        geometry = [
            ([model.rig.u_neutral], scale * config.neutral_rate),
            ([model.rig.u_deltas], scale * config.shape_rate),
            ([model.rig.identity], config.identity_rate),
        ]
        rest = [
            ([model.clocks.others], config.clock_rate),
            ([model.mark_offsets], config.mark_rate),
            (list(model.appearance.parameters()), config.texture_rate),
        ]
        return kind(_groups(geometry)), torch.optim.Adam(_groups(rest))

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs."""
        return {
            "model": self.model.state_dict(), "best_state": self.best_state, "step": self.step,
            "geometry": self._geometry.state_dict(), "rest": self._rest.state_dict(),
            "best": self.best, "stale": self.stale, "history": self.history,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.model.load_state_dict(state["model"])
        self._geometry.load_state_dict(state["geometry"])
        self._rest.load_state_dict(state["rest"])
        self.best_state, self.history = state["best_state"], state["history"]
        self.step, self.best, self.stale = state["step"], state["best"], state["stale"]


def _slope(leaf: Tensor) -> Tensor:
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def _groups(rates: list[tuple[list[torch.nn.Parameter], float]]) -> list[dict[str, Any]]:
    """Parameter groups that remember their full rate."""
    return [{"params": parameters, "lr": rate, "full": rate} for parameters, rate in rates]


def _step(optimiser: torch.optim.Optimizer, decay: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = decay * group["full"]
    optimiser.step()
