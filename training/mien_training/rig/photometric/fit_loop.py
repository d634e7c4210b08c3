"""The loop of the optimisation: gradient steps, Gauss-Newton passes, checks, resuming."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mien_training.geometry.adam_uniform import AdamUniform
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.model.rig_model import RigModel
from mien_training.rig.photometric.gauss_newton_pass import gauss_newton_pass
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.robust.frame_errors import FrameErrors
from mien_training.rig.robust.lost_frames import lost_frames
from mien_training.rig.robust.restart import restart_frames
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["FitLoop"]

_RAW_STEP = 0.02
"""Raw vertices have no smoothing that would divide their steps."""


class FitLoop:
    """The stages "neutral" (template's shapes) and "joint" (personal shapes), in rounds.

    A round is some gradient steps of neutral and appearance, with motion and shapes held, and a
    Gauss-Newton pass that solves those, and from one camera the neutral with them.
    """

    def __init__(
        self,
        objective: Objective,
        moment: Tensor,
        config: RigFitConfig,
        report: Report = silent,
    ) -> None:
        """moment (N,): which frames are taken together."""
        self.objective, self.config, self.report = objective, config, report
        self.model: RigModel = objective.model
        self.model.motion.requires_grad_(False)  # it has a solver of its own
        seen = objective.seen
        held = seen.frame % config.held_out == config.held_out // 2
        held = held & (int(seen.frame.max()) + 1 > 2 * config.held_out)
        self.held_out = held.nonzero()[:, 0]
        training = (~held).nonzero()[:, 0]
        kept = moment.to(training.device)[training]
        self._all_moments = [training[kept == m] for m in torch.unique(kept)]
        self.round, self.best, self.stale = 0, float("inf"), 0
        self.history: list[dict[str, float]] = []
        self._geometry, self._rest = self._optimisers()
        self.best_state = self._copy()
        everywhere = torch.arange(len(held), device=held.device)
        with torch.no_grad():
            self._by_points = objective.motion_at(everywhere)
        self.restarts = torch.zeros(len(held), dtype=torch.int64, device=held.device)
        """(N,) how often each frame was put back to where its points are."""
        self._choose_pixels()

    @property
    def stages(self) -> tuple[tuple[str, int], ...]:
        """Names and numbers of rounds."""
        joint = self.config.joint_rounds if self.config.personal_shapes else 0
        return (("neutral", self.config.neutral_rounds), ("joint", joint))

    @property
    def figures(self) -> dict[str, float]:
        """Of the check that found the best state; empty before any."""
        checks = (h for h in reversed(self.history) if h["held_out"] == self.best)
        return next(checks, {})

    def run(self, save: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Every round that is left; each stage ends in its best state. `save`: called with
        `state()` after every round."""
        done = 0
        for name, rounds in self.stages:
            while self.round < done + rounds:
                if self.round == done:
                    self.best, self.stale = float("inf"), 0
                self._round(name, self.round - done, rounds)
                self.round += 1
                if self._check(name):
                    self.round = done + rounds
                if self.round == done + rounds:
                    self.model.load_state_dict(self.best_state)
                if save is not None:
                    save(self.state())
            done += rounds

    def _round(self, stage: str, number: int, rounds: int) -> None:
        """Steps, then a Gauss-Newton pass, which takes as long as about `pass_steps` of them."""
        config, joint = self.config, stage == "joint"
        frames = self._pass_frames()
        pass_steps = -(-len(frames) // (config.batch * len(self.objective.seen.views.intrinsics)))
        total, loss = rounds * (config.steps + pass_steps), 0.0

        def report(done: float) -> None:
            steps = number * (config.steps + pass_steps) + int(done)
            self.report(Progress(stage, steps, total, {"loss": loss}))

        with torch.no_grad():
            deltas = self.model.rig(personal_shapes=joint).deltas
        for step in range(config.steps):
            loss = self._step(deltas, joint, number, step, (number + step / config.steps) / rounds)
            report(step + 1)
        if not len(frames):
            return
        errors = gauss_newton_pass(
            self.objective, frames, joint,
            lambda now: report(config.steps + pass_steps * now.done / len(frames)),
        )  # fmt: skip
        self._start_again(frames, errors, joint)

    def _start_again(self, frames: Tensor, errors: FrameErrors, joint: bool) -> None:
        """Frames (B,) that have left their points go back to them if that is where they fit."""
        rotation = self.objective.motion_at(frames).rotation
        lost = lost_frames(
            errors.points_px, self.objective.face_px[frames], rotation,
            self._by_points.rotation[frames], self.config.limits,
        )  # fmt: skip
        lost = lost & self.objective.seen.trusted[frames]
        if not bool(lost.any()):
            return
        again = restart_frames(
            self.objective, self.model.rig(joint), frames, lost, self._by_points, errors.cost
        )
        self.restarts[frames[again]] += 1
        self._choose_pixels()

    def _step(self, deltas: Tensor, joint: bool, number: int, step: int, share: float) -> float:
        """One gradient step; `share` of the stage is done."""
        weights = self.config.losses
        decay = 0.05 + 0.95 * 0.5 * (1 + cos(pi * share))
        t = (share + joint) / 2
        landmark = weights.landmark ** (1 - t) * weights.landmark_end**t
        shapes = Shapes(self.model.rig.neutral(), deltas)
        frames = self._draw(joint, number, step)
        explained = self.objective.explain(shapes, frames, landmark)
        whole = explained.loss + self.objective.plausible()
        for optimiser in (self._geometry, self._rest):
            optimiser.zero_grad()
        whole.backward()  # type: ignore[no-untyped-call]
        for optimiser in (self._geometry, self._rest):
            _step(optimiser, decay)
        return float(explained.loss.detach())

    def _choose_pixels(self) -> None:
        """Colours count in frames that are not held out and have not been lost too often."""
        uses = self.restarts <= self.config.limits.restarts
        uses[self.held_out] = False
        self.objective.uses_pixels = uses
        self._moments = [m for m in (part[uses[part]] for part in self._all_moments) if len(m)]

    def _pass_frames(self) -> Tensor:
        """The frames of a Gauss-Newton pass: all, or as many as are wanted of them. Those held out
        lend it their points."""
        everywhere = torch.arange(len(self.restarts), device=self.restarts.device)
        wanted = self.config.pass_frames
        if len(everywhere) <= wanted:
            return everywhere
        rng = np.random.default_rng((self.config.seed, self.round, 1))
        order = torch.from_numpy(np.sort(rng.choice(len(everywhere), wanted, replace=False)))
        return everywhere[order.to(everywhere.device)]

    def _draw(self, joint: bool, number: int, step: int) -> Tensor:
        """Frames of some moments; by the step alone, so that a resumed run sees the same ones."""
        rng = np.random.default_rng((self.config.seed, joint, number, step))
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
                explained = self.objective.explain(shapes, part, weight)
                total += explained.error * len(part) / len(frames)
                for key, value in explained.figures.items():
                    figures[key] += value * len(part) / len(frames)
        self.history.append({"round": float(self.round), "held_out": total, **figures})
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
            ([model.rig.identity], config.identity_rate),
        ]
        rest = [
            (list(model.appearance.parameters()), config.texture_rate),
        ]
        return kind(_groups(geometry)), torch.optim.Adam(_groups(rest))

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs."""
        return {
            "model": self.model.state_dict(), "best_state": self.best_state, "round": self.round,
            "geometry": self._geometry.state_dict(), "rest": self._rest.state_dict(),
            "best": self.best, "stale": self.stale, "history": self.history,
            "restarts": self.restarts,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.model.load_state_dict(state["model"])
        self._geometry.load_state_dict(state["geometry"])
        self._rest.load_state_dict(state["rest"])
        self.best_state, self.history = state["best_state"], state["history"]
        self.round, self.best, self.stale = state["round"], state["best"], state["stale"]
        self.restarts.copy_(state["restarts"])
        self._choose_pixels()


def _groups(rates: list[tuple[list[torch.nn.Parameter], float]]) -> list[dict[str, Any]]:
    """Parameter groups that remember their full rate."""
    return [{"params": parameters, "lr": rate, "full": rate} for parameters, rate in rates]


def _step(optimiser: torch.optim.Optimizer, decay: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = decay * group["full"]
    optimiser.step()
