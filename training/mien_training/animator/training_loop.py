"""The animator's training: sequences in, a trained network and its validation error out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import cos, pi
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien.tracker.features import FeatureLayout
from mien_training.animator.batches import batches, gather
from mien_training.animator.motion_loss import MotionLossConfig, motion_loss, vertex_error_mm
from mien_training.animator.network import COMPONENTS, AnimatorNetwork, NetworkConfig
from mien_training.animator.training_set import InputSequence
from mien_training.networks.whitening import whiten
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.content_key import content_digest
from mien_training.runs.progress import Report, silent
from mien_training.runs.trainer import Trained, Trainer, TrainerConfig

__all__ = ["FitConfig", "MotionCost", "fit", "predict"]

Float32Array = NDArray[np.float32]
_CHECK_EVERY = 100


@dataclass(frozen=True)
class FitConfig:
    """How the network is trained."""

    steps: int = 1500
    """Optimiser steps."""
    batch: int = 24
    """Windows per step, and transitions between single frames; three single frames come along with
    each."""
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
    ema_decay: float = 0.0
    """Above 0, the animator is the moving average of the weights with this decay a step."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16 lets the network multiply in half the bits; the loss stays in float32."""
    patience: int | None = None
    """Checks (every 100 steps) without a better error after which training ends; None: at the
    last step."""
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
        self.trainer()

    def trainer(self) -> TrainerConfig:
        """What the loop takes of it. Raises InputError for values that it refuses."""
        return TrainerConfig(
            self.steps, _CHECK_EVERY, clip_norm=5.0, patience=self.patience,
            ema_decay=self.ema_decay, precision=self.precision,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class MotionCost:
    """What a wrong weight costs on this character."""

    gram: NDArray[np.float64]
    """(C, C) mm^2, as by `motion_gram`."""
    deltas: Float32Array
    """(C, V, 3) metres, in the channels' order."""
    moving: NDArray[np.bool_]
    """(V,) the vertices that count."""


def fit(
    training: Sequence[InputSequence],
    validation: Sequence[InputSequence],
    groups: Sequence[str],
    channel_names: Sequence[str],
    motion: MotionCost,
    config: FitConfig,
    checkpoint: Path | None = None,
    report: Report = silent,
    device: torch.device | None = None,
) -> tuple[AnimatorNetwork, Trained]:
    """Train; returns the network with the best validation error, on `device`, and the curve, whose
    errors are mean vertex errors in mm.

    With `checkpoint`, goes on from it if it was written under the same configuration and data.
    Raises InputError for a checkpoint of others.
    """
    device = device or torch.device("cpu")
    torch.manual_seed(config.seed)
    rng = np.random.default_rng((config.seed, 3))
    sized = (*FeatureLayout(tuple(groups)).names_and_sizes, ("dt", 1))
    mean, projection = whiten(np.concatenate([s.x for s in training]), sized, COMPONENTS)
    network = AnimatorNetwork.from_statistics(
        mean, projection, channel_names, sized, config.network, config.seed
    )
    z = [network.project(torch.from_numpy(s.x)) for s in training]
    w = [torch.from_numpy(s.weights) for s in training]
    network.start_from_ridge(torch.cat(z), torch.cat(w))
    network.to(device)
    z, w = [x.to(device) for x in z], [x.to(device) for x in w]
    gram = torch.from_numpy((motion.gram).astype(np.float32)).to(device)
    optimiser = torch.optim.AdamW(
        network.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: (
            min((step + 1) / 50, 1) * (0.01 + 0.99 * 0.5 * (1 + cos(pi * step / config.steps)))
        ),
    )
    source = batches(training, config.batch, config.window, rng)

    def loss(step: int) -> Tensor:
        batch, total = next(source), torch.zeros((), device=device)
        for transitions in (batch.in_time, batch.independent):
            if transitions:
                y, _, _ = network.forward_projected(
                    gather(transitions, z), *network.initial_state(len(transitions))
                )
                with torch.autocast(device.type, enabled=False):
                    error = motion_loss(y.float(), gather(transitions, w), gram, config.loss)
                total = total + error
        return total

    def validate(module: nn.Module) -> Mapping[str, float]:
        return {"error": _error(cast(AnimatorNetwork, module), validation, motion)}

    origin = {
        "configuration": asdict(config),
        "data": content_digest((training, validation, tuple(groups), tuple(channel_names), motion)),
    }
    trainer = Trainer(
        network, optimiser, config.trainer(), schedule=schedule, generators=(rng,), report=report,
        checkpoint=None if checkpoint is None else Checkpoint(checkpoint, origin),
    )  # fmt: skip
    return network, trainer.run(loss, validate)


def predict(network: AnimatorNetwork, sequence: InputSequence) -> Float32Array:
    """(T, C) channels for one recording: in time with one state, or frame by frame afresh."""
    network.eval()
    with torch.no_grad():
        x = torch.from_numpy(sequence.x).to(network.mean.device)
        x = x[None] if sequence.in_time else x[:, None]
        y, _, _ = network(x, *network.initial_state(len(x)))
    return np.asarray(y.reshape(-1, y.shape[-1]).cpu().numpy())


def _error(
    network: AnimatorNetwork, sequences: Sequence[InputSequence], motion: MotionCost
) -> float:
    errors = [
        vertex_error_mm(predict(network, s)[::3], s.weights[::3], motion.deltas, motion.moving)
        for s in sequences
    ]
    return float(np.concatenate(errors).mean())
