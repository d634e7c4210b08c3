"""Training the correspondence net on captured moments of synthetic people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.capture.correspondence.correspondence_loss import (
    correspondence_loss,
    map_errors,
)
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.correspondence.step_samples import StepSamples, drawn_ahead
from mien_training.capture.correspondence.view_samples import SampleSpec, ViewSamples, draw_samples
from mien_training.head import Template
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import Report, silent
from mien_training.runs.trainer import Trained, Trainer, TrainerConfig
from mien_training.synthetic.capture.dataset.read import CaptureReader

__all__ = ["CorrespondenceConfig", "train_correspondence"]


@dataclass(frozen=True)
class CorrespondenceConfig:
    """How the correspondence net is made and trained."""

    widths: tuple[int, ...] = (16, 32, 64, 128, 192)
    """Channels of the U-Net's levels, the finest first; multiples of 8."""
    deeper: int = 3
    """Residual blocks at its coarsest level."""
    sample: SampleSpec = field(default_factory=SampleSpec)
    """How views are cut out."""
    steps: int = 24_000
    """Optimiser steps; errors fall about as their number to the power of -0.75."""
    batch: int = 8
    """Views a step, all from the same file of moments."""
    learning_rate: float = 1.5e-3
    """Of AdamW, until it falls to nothing over the last quarter of the steps."""
    seed: int = 0
    """Of initial weights, order and crops."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or not self.learning_rate > 0:
            raise InputError(
                f"CorrespondenceConfig: steps {self.steps}, batch {self.batch}, learning_rate "
                f"{self.learning_rate}, expected 1 or more, 1 or more, above 0"
            )


def train_correspondence(
    config: CorrespondenceConfig,
    template: Template,
    moments: Path,
    judged: Path,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    report: Report = silent,
    start: CorrespondenceNet | None = None,
    workers: int = 0,
) -> tuple[CorrespondenceNet, Trained]:
    """The best state by `judged`, in evaluation mode.

    moments, judged: data sets of `generate_captures`; of the second one view of every moment
    counts, twice: cut out as of a head that is located, and before it is. start: a net of the same
    size whose weights are the first; random ones without. workers: processes that draw views in
    advance; with 0 they are drawn between steps.
    """
    torch.manual_seed(config.seed)
    net = CorrespondenceNet(config.widths, config.deeper)
    if start is not None:
        net.load_state_dict(start.state_dict())
    net = net.to(device)
    # Other kernels, a third faster on CPUs.
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if config.sample.side % net.multiple:
        raise InputError(
            f"SampleSpec.side: {config.sample.side}, expected a multiple of {net.multiple}"
        )
    optimiser = torch.optim.AdamW(net.parameters(), config.learning_rate, weight_decay=1e-4)
    samples = StepSamples(moments, template, config.sample, config.batch, config.seed)
    at = drawn_ahead(samples, config.steps, workers)
    checks = _judged(CaptureReader(judged), template, config)

    trainer = Trainer(
        net, optimiser,
        TrainerConfig(
            config.steps, min(500, config.steps), clip_norm=1.0, ema_decay=_average(config.steps)
        ),
        schedule=torch.optim.lr_scheduler.LambdaLR(optimiser, _rate(config.steps)),
        checkpoint=checkpoint, report=report, stage="training the correspondence net",
    )  # fmt: skip
    trained = trainer.run(
        lambda step: _loss(net, at(step), device), lambda module: _validate(module, checks, device)
    )
    return net, trained


def _loss(net: CorrespondenceNet, sample: ViewSamples, device: torch.device) -> Tensor:
    there = sample.to(device)
    images = there.images.contiguous(memory_format=torch.channels_last)
    return correspondence_loss(net(images), there.labels)


def _validate(
    module: nn.Module, checks: Mapping[str, list[ViewSamples]], device: torch.device
) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, samples in checks.items():
        rows = []
        for sample in samples:
            there = sample.to(device)
            rows.append(map_errors(module(there.images), there.labels))
        figures |= {f"{name} {k}": float(np.mean([row[k] for row in rows])) for k in rows[0]}
    figures["error"] = float(np.mean([figures[f"{name} mean_mm"] for name in checks]))
    return figures


def _judged(
    reader: CaptureReader, template: Template, config: CorrespondenceConfig
) -> dict[str, list[ViewSamples]]:
    """Batches of one view of every moment, cut out about a head that is located, and before."""
    every = list(reader)
    rng = np.random.default_rng(config.seed)
    views = [(m, int(rng.integers(len(m.cameras)))) for m in every]
    found: dict[str, list[ViewSamples]] = {}
    for name, located in (("located", 1.0), ("upright", 0.0)):
        spec = replace(config.sample, located=located, wide=0.0)
        found[name] = [
            draw_samples(views[i : i + config.batch], template, spec, rng)
            for i in range(0, len(views), config.batch)
        ]
    return found


def _rate(steps: int) -> Callable[[int], float]:
    warm = min(100, steps // 10)

    def rate(step: int) -> float:
        return min(1.0, (step + 1) / (warm + 1), 4 * (steps - step) / steps)

    return rate


def _average(steps: int) -> float:
    """Decay of the mean of states: over a fiftieth of the steps, and 500 at most."""
    return min(0.998, max(0.0, 1 - 50 / steps))
