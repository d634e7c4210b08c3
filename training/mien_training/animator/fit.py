"""The training loop: sequences in, a trained network and its validation error out; resumable."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.errors import InputError
from mien.tracker.features import FeatureLayout
from mien_training.animator.batches import batches, gather
from mien_training.animator.motion_loss import MotionLossConfig, motion_loss, vertex_error_mm
from mien_training.animator.network import AnimatorNetwork, NetworkConfig, whiten
from mien_training.animator.training_set import InputSequence

__all__ = ["FitConfig", "Motion", "fit", "predict"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class FitConfig:
    """How the network is trained."""

    steps: int = 1500
    """Optimiser steps."""
    batch: int = 24
    """Windows per step, and walks between lone faces; three lone frames come along with each."""
    window: int = 24
    """Frames of a window."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Size and regularisation of the network."""
    loss: MotionLossConfig = field(default_factory=MotionLossConfig)
    """What it is trained to keep small."""
    learning_rate: float = 1e-3
    """Peak of AdamW's step, reached after 50 steps, then a cosine to a hundredth."""
    weight_decay: float = 0.02
    """AdamW's decay."""
    seed: int = 0
    """Draws initial weights, batches and noise."""

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.window) < 1 or self.seed < 0:
            raise InputError(
                f"FitConfig: steps {self.steps}, batch {self.batch}, window {self.window}, seed "
                f"{self.seed}, expected 1 or more, a seed of 0 or more"
            )
        if not self.learning_rate > 0 or not self.weight_decay >= 0:
            raise InputError(
                f"FitConfig: learning_rate {self.learning_rate}, weight_decay "
                f"{self.weight_decay}, expected above 0, and 0 or more"
            )


@dataclass(frozen=True, eq=False)
class Motion:
    """What a wrong weight costs on this character."""

    gram: NDArray[np.float64]
    """(C, C) mm^2 (losses.motion_gram)."""
    deltas: Float32Array
    """(C, V, 3) metres, in the channels' order."""
    moving: NDArray[np.bool_]
    """(V,) the vertices that count."""


def fit(
    training: Sequence[InputSequence],
    validation: Sequence[InputSequence],
    groups: Sequence[str],
    channel_names: Sequence[str],
    motion: Motion,
    config: FitConfig,
    checkpoint: Path | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> tuple[AnimatorNetwork, dict[str, float]]:
    """Train; returns the network with the best validation error, and figures.

    With `checkpoint`, goes on from it if it was written under the same configuration.
    Raises InputError for a checkpoint of another configuration.
    """
    torch.manual_seed(config.seed)
    rng = np.random.default_rng((config.seed, 3))
    sized = (*FeatureLayout(tuple(groups)).names_and_sizes, ("dt", 1))
    mean, projection = whiten(np.concatenate([s.x for s in training]), sized)
    network = AnimatorNetwork.from_statistics(
        mean, projection, channel_names, sized, config.network, config.seed
    )
    z = [network.project(torch.from_numpy(s.x)) for s in training]
    w = [torch.from_numpy(s.weights) for s in training]
    network.start_from_ridge(torch.cat(z), torch.cat(w))
    gram = torch.from_numpy((motion.gram).astype(np.float32))
    optimiser = torch.optim.AdamW(
        network.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: (
            min((step + 1) / 50, 1) * (0.01 + 0.99 * 0.5 * (1 + cos(pi * step / config.steps)))
        ),
    )
    best, best_error, start = _copy(network), float("inf"), 0
    if checkpoint is not None and checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        if saved["config"] != asdict(config):
            raise InputError(
                f"{checkpoint} was written under another configuration; "
                "give another --out, or delete it to start afresh"
            )
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        best, best_error, start = saved["best"], saved["best_error"], saved["step"]
    source = batches(training, config.batch, config.window, rng)
    for step in range(config.steps):
        batch = next(source)
        if step < start:
            continue  # the same batches as if there had been no interruption
        network.train()
        loss = torch.zeros(())
        for transitions in (batch.in_time, batch.independent):
            if transitions:
                y, _, _ = network.forward_projected(
                    gather(transitions, z), *network.initial_state(len(transitions))
                )
                loss = loss + motion_loss(y, gather(transitions, w), gram, config.loss)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress(step + 1, float(loss.detach()))
        if (step + 1) % 100 == 0 or step + 1 == config.steps:
            error = _error(network, validation, motion)
            if error < best_error:
                best, best_error = _copy(network), error
            if checkpoint is not None:
                _save(checkpoint, network, optimiser, schedule, best, best_error, step + 1, config)
    network.load_state_dict(best)
    network.eval()
    return network, {"validation_mm": best_error}


def predict(network: AnimatorNetwork, sequence: InputSequence) -> Float32Array:
    """(T, C) channels for one recording: in time with one state, or frame by frame afresh."""
    network.eval()
    with torch.no_grad():
        x = torch.from_numpy(sequence.x)
        x = x[None] if sequence.in_time else x[:, None]
        y, _, _ = network(x, *network.initial_state(len(x)))
    return np.asarray(y.reshape(-1, y.shape[-1]).numpy())


def _error(network: AnimatorNetwork, sequences: Sequence[InputSequence], motion: Motion) -> float:
    errors = [
        vertex_error_mm(predict(network, s)[::3], s.weights[::3], motion.deltas, motion.moving)
        for s in sequences
    ]
    return float(np.concatenate(errors).mean())


def _copy(network: AnimatorNetwork) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _save(
    path: Path, network: AnimatorNetwork, optimiser: Any, schedule: Any,
    best: dict[str, Any], best_error: float, step: int, config: FitConfig,
) -> None:  # fmt: skip
    buffer = io.BytesIO()
    torch.save(
        {
            "network": network.state_dict(), "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(), "best": best, "best_error": best_error,
            "step": step, "config": asdict(config),
        },
        buffer,
    )  # fmt: skip
    write_atomically(path, buffer.getvalue())
