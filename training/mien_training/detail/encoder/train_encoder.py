"""`mien train detail-encoder`: the network that reads skin detail from images, from synthetic skin.

Losses as HiFace's on synthetic faces (Chai et al. 2023, section 3.4): static, compressed,
stretched, and combined heights, here relative to each person's own depth, for otherwise nobody
would learn young skin; and slopes, which are what light shows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor, nn

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.detail.basis.detail_basis import DetailBasis, default_basis
from mien_training.detail.basis.train_basis import HELD_OUT
from mien_training.detail.encoder.evidence_maps import HEIGHT_UNIT_M, evidence_maps
from mien_training.detail.encoder.skin_encoder import SkinEncoder
from mien_training.detail.encoder.skin_samples import SkinSample, draw_sample
from mien_training.detail.fit.linear_fit import DetailModel
from mien_training.rendering.relief.relief_normals import height_slopes
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.device import check_device_name, choose_device
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import ProgressBars
from mien_training.runs.run_folder import claimed_folder, plain_config
from mien_training.runs.trainer import Trainer, TrainerConfig
from mien_training.runs.worker_pool import run_in_processes

__all__ = ["EncoderLoss", "TrainEncoderConfig", "run", "train_encoder"]

_NOT_OF_THE_RESULT = ("out", "workers", "device")
_FIRST = 50_000
"""Seed of the first person: the basis, of other people, must not know them either."""
_SHALLOW = 0.15
"""Root mean square depth, in HEIGHT_UNIT_M, from which on errors count by depth alone."""
_SLOPES = 0.1
"""Weight of the error of slopes, per texel."""


@dataclass(frozen=True)
class TrainEncoderConfig:
    """Train the network that reads static, compressed and stretched detail from images."""

    out: Path = Path("detail-encoder")
    """Folder of the run: people's samples, checkpoint, encoder.npz, metrics.json."""
    people: int = 160
    """Synthetic people who are photographed; each counts with their mirror image too."""
    images: int = 6
    """Images of each; the fit that the network starts from takes all of them, or fewer."""
    held_out: int = 16
    """Other people, by whom the best state is chosen."""
    basis: Path | None = None
    """Detail basis (.npz, of `mien train detail-basis`) of the fits; the one that comes with mien
    if left out."""
    widths: tuple[int, ...] = (16, 32, 48, 64, 96)
    """Channels of the U-Net's levels, the finest first; multiples of 8."""
    steps: int = 3000
    """Optimiser steps."""
    batch: int = 2
    """People a step."""
    learning_rate: float = 1e-3
    """Of AdamW at its highest; it ends at nothing."""
    seed: int = 0
    """Of initial weights and of the order."""
    workers: int | None = None
    """Processes that photograph; one per core if left out."""
    device: str = "auto"
    """Where the network learns: cpu, cuda, cuda:N, or auto."""

    def __post_init__(self) -> None:
        ranges = {
            "people": (1, 100_000), "images": (2, 64), "held_out": (1, 10_000),
            "steps": (1, 10_000_000), "batch": (1, 1024),
        }  # fmt: skip
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name)}, expected {least} to {most}")
        if len(self.widths) < 2 or any(w < 8 or w % 8 for w in self.widths):
            raise InputError(f"widths are {self.widths}, expected two or more multiples of 8")
        if not self.learning_rate > 0:
            raise InputError(f"learning_rate is {self.learning_rate}, expected above 0")
        check_device_name(self.device)


def run(config: TrainEncoderConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = train_encoder(config)
    Console(stderr=True).print(
        f"{config.out / 'encoder.npz'}: {metrics['bytes'] / 1e6:.1f} MB; error on strangers "
        f"{metrics['error']:.2f}, of the linear fit {metrics['linear_fit']:.2f}"
    )
    return 0


def train_encoder(config: TrainEncoderConfig, quiet: bool = False) -> dict[str, Any]:
    """Photograph people, learn, measure; returns what goes to metrics.json.

    Interrupted, the same call goes on with the people that are missing and from its checkpoint.
    """
    device = choose_device(config.device)
    basis = default_basis() if config.basis is None else DetailBasis.load(config.basis)
    folder = config.out / "people"
    people = [_FIRST + config.seed + n for n in range(config.people)]
    strangers = [HELD_OUT // 2 + config.seed + n for n in range(config.held_out)]
    with claimed_folder(config.out, config, _NOT_OF_THE_RESULT), ProgressBars(quiet) as bars:
        folder.mkdir(exist_ok=True)
        missing = [s for s in people + strangers if not (folder / f"{s}.npz").exists()]
        work = partial(_photograph, folder, config.images, config.basis)
        run_in_processes(work, missing, config.workers, bars, "photographing people")
        torch.manual_seed(config.seed)
        module = SkinEncoder(basis.size, config.widths).to(device)
        optimiser = torch.optim.AdamW(module.parameters(), config.learning_rate, weight_decay=1e-4)
        rng = np.random.default_rng(config.seed)
        losses = EncoderLoss(DetailModel(basis), device)
        warm = min(100, config.steps // 10)

        def rate(step: int) -> float:
            rise = min(1.0, (step + 1) / (warm + 1))
            return rise * 0.5 * (1 + float(np.cos(np.pi * step / config.steps)))

        def loss(step: int) -> Tensor:
            batch = [
                losses.row(SkinSample.read(folder / f"{s}.npz"), int(rng.integers(2)), rng)
                for s in rng.choice(people, config.batch)
            ]
            evidence, truth, gates = (torch.stack(column) for column in zip(*batch, strict=True))
            return losses(module(evidence), truth, gates).mean()

        def validate(net: nn.Module) -> dict[str, float]:
            rows = [
                losses.row(SkinSample.read(folder / f"{s}.npz"), n % 2)
                for n, s in enumerate(strangers)
            ]
            errors = [
                [relative_error(found, truth, gates) for found in (net(e[None])[0], e[:3])]
                for e, truth, gates in rows
            ]
            own, fit = np.median(errors, 0)
            return {"error": float(own), "linear_fit": float(fit)}

        origin = plain_config(config, _NOT_OF_THE_RESULT)
        trainer = Trainer(
            module, optimiser,
            TrainerConfig(config.steps, min(250, config.steps), clip_norm=1.0, ema_decay=0.995),
            schedule=torch.optim.lr_scheduler.LambdaLR(optimiser, rate), generators=[rng],
            checkpoint=Checkpoint(config.out / "checkpoint.pt", origin),
            report=bars, stage="training the encoder",
        )  # fmt: skip
        trained = trainer.run(loss, validate)
        path = config.out / "encoder.npz"
        module.save(path)
    metrics = {
        "error": trained.error, "step": trained.step, "bytes": path.stat().st_size,
        "linear_fit": trained.history[-1]["linear_fit"],
        "parameters": sum(p.numel() for p in module.parameters()),
        "config": plain_config(config, _NOT_OF_THE_RESULT), "history": list(trained.history),
        "versions": {name: version(name) for name in ("mien", "torch", "numpy")},
    }  # fmt: skip
    write_atomically(config.out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    return metrics


class EncoderLoss:
    """What is asked of heights, and how a sample becomes a row of a batch."""

    def __init__(self, model: DetailModel, device: torch.device) -> None:
        self.model, self.device = model, device

    def row(
        self, sample: SkinSample, fit: int, rng: np.random.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Evidence (CHANNELS, S, S), truth (3, S, S) in HEIGHT_UNIT_M, and gates (2, S, S) of one
        expression; with `rng` perhaps mirrored."""
        if rng is not None and rng.random() < 0.5:
            sample = sample.mirrored()
        heights = 1e-3 * _tensor(sample.fits_mm[fit])
        evidence = evidence_maps(*sample.evidence(fit), heights, self.model)
        truth = _tensor(sample.truth_mm) * (1e-3 / HEIGHT_UNIT_M)
        at = len(sample.press) - 1 if rng is None else int(rng.integers(len(sample.press)))
        gates = torch.stack([_tensor(sample.press[at]), _tensor(sample.pull[at])])
        return evidence.to(self.device), truth.to(self.device), gates.to(self.device)

    def __call__(self, found: Tensor, truth: Tensor, gates: Tensor) -> Tensor:
        """(B,) of heights (B, 3, S, S) in HEIGHT_UNIT_M; 4 for heights of 0 but for slopes."""
        both = [torch.cat([h, _combined(h, gates)], 1) for h in (found, truth)]
        depth = both[1].square().mean((2, 3)) + _SHALLOW**2
        wrong = (both[0] - both[1]).square().mean((2, 3)) / depth
        slopes = [height_slopes(h) / h.shape[-1] for h in both]
        steep = slopes[1].square().mean((2, 3, 4)) + (0.5 * _SHALLOW) ** 2
        uneven = (slopes[0] - slopes[1]).square().mean((2, 3, 4)) / steep
        return (wrong + _SLOPES * uneven).sum(1)


def relative_error(found: Tensor, truth: Tensor, gates: Tensor) -> float:
    """Of combined heights, root mean square over that of the truth where there are wrinkles."""
    a, b = (_combined(h[None], gates[None])[0, 0] for h in (found, truth))
    mask = b.abs() > 0.5
    if int(mask.sum()) < 100:
        mask = torch.ones_like(mask)
    return float(((a - b)[mask].square().mean() / b[mask].square().mean().clamp_min(1e-6)).sqrt())


def _combined(heights: Tensor, gates: Tensor) -> Tensor:
    """(B, 1, S, S)"""
    return heights[:, :1] + (heights[:, 1:] * gates).sum(1, keepdim=True)


def _photograph(folder: Path, images: int, path: Path | None, seed: int) -> None:
    basis = default_basis() if path is None else DetailBasis.load(path)
    draw_sample(seed, images, basis).write(folder / f"{seed}.npz")


def _tensor(values: NDArray[np.float16]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
