"""`mien train mattes`: the net that tells hair from background, from synthetic people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.avatar.mattes.composites import Composite, compose
from mien_training.avatar.mattes.matte_samples import MatteSample, draw_matte_sample
from mien_training.avatar.mattes.matting_net import MattingNet, matting_loss
from mien_training.avatar.mattes.matting_onnx import matting_onnx
from mien_training.avatar.mattes.mesh_hints import hints
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.device import check_device_name, choose_device
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import ProgressBars
from mien_training.runs.run_folder import claimed_folder, plain_config
from mien_training.runs.trainer import Trainer, TrainerConfig
from mien_training.runs.worker_pool import run_in_processes

__all__ = ["HELD_OUT", "TrainMattesConfig", "run", "train_mattes"]

_NOT_OF_THE_RESULT = ("out", "workers", "device")
_FIRST = 70_000
"""Seed of the first person."""
_CHOOSERS = 80_000
"""Of the first by whom the best state is chosen."""
HELD_OUT = 90_000
"""From which on nobody was seen in training."""
_SHOWN = 3
"""Pictures of each of them that count."""
_BAND = 0.25
"""Of the distance in `hints`, how far the open band reaches from the mesh's outline."""


@dataclass(frozen=True)
class TrainMattesConfig:
    """Train the net that finds mattes for films before moving backgrounds."""

    out: Path = Path("mattes")
    """Folder of the run: people's samples, checkpoint, matting.onnx, metrics.json."""
    people: int = 112
    """Synthetic people who are photographed; each counts with their mirror image too."""
    pictures: int = 12
    """Of each, from as many sides; each is put before many backgrounds."""
    held_out: int = 12
    """Other people, by whom the best state is chosen."""
    side: int = 128
    """Of the images in training, pixels; a multiple of 2^(levels - 1)."""
    widths: tuple[int, ...] = (16, 24, 40, 64, 96)
    """Channels of the U-Net's levels, the finest first; multiples of 8."""
    steps: int = 1200
    """Optimiser steps."""
    batch: int = 8
    """Images a step."""
    learning_rate: float = 2e-3
    """Of AdamW at its highest; it ends at nothing."""
    seed: int = 0
    """Of people, initial weights, backgrounds and order."""
    workers: int | None = None
    """Processes that photograph; one per core if left out."""
    device: str = "auto"
    """Where the network learns: cpu, cuda, cuda:N, or auto."""

    def __post_init__(self) -> None:
        ranges = {
            "people": (1, 10_000), "pictures": (1, 1000), "held_out": (1, 10_000),
            "side": (32, 192), "steps": (1, 10_000_000), "batch": (1, 1024),
        }  # fmt: skip
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name)}, expected {least} to {most}")
        if len(self.widths) < 2 or any(w < 8 or w % 8 for w in self.widths):
            raise InputError(f"widths are {self.widths}, expected two or more multiples of 8")
        multiple = 2 ** (len(self.widths) - 1)
        if self.side % multiple:
            raise InputError(f"side is {self.side}, expected a multiple of {multiple}")
        if not self.learning_rate > 0:
            raise InputError(f"learning_rate is {self.learning_rate}, expected above 0")
        check_device_name(self.device)


def run(config: TrainMattesConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = train_mattes(config)
    Console(stderr=True).print(
        f"{config.out / 'matting.onnx'}: {metrics['bytes'] / 1e6:.1f} MB; error of strangers' "
        f"outlines {metrics['error']:.3f}, of the mesh alone {metrics['mesh']:.3f}"
    )
    return 0


def train_mattes(config: TrainMattesConfig, quiet: bool = False) -> dict[str, Any]:
    """Photograph people, learn, measure; returns what goes to metrics.json.

    Interrupted, the same call goes on with the people that are missing and from its checkpoint.
    """
    device = choose_device(config.device)
    folder = config.out / "people"
    people = [_FIRST + 1000 * config.seed + n for n in range(config.people)]
    strangers = [_CHOOSERS + 1000 * config.seed + n for n in range(config.held_out)]
    with claimed_folder(config.out, config, _NOT_OF_THE_RESULT), ProgressBars(quiet) as bars:
        folder.mkdir(exist_ok=True)
        missing = [s for s in people + strangers if not (folder / f"{s}.npz").exists()]
        work = partial(_photograph, folder, config.pictures)
        run_in_processes(work, missing, config.workers, bars, "photographing people")
        torch.manual_seed(config.seed)
        module = MattingNet(config.widths).to(device)
        optimiser = torch.optim.AdamW(module.parameters(), config.learning_rate, weight_decay=1e-4)
        rng = np.random.default_rng(config.seed)
        warm = min(100, config.steps // 10)
        samples = {s: MatteSample.read(folder / f"{s}.npz") for s in people}
        judged = _judged(folder, strangers, config.side)

        def rate(step: int) -> float:
            rise = min(1.0, (step + 1) / (warm + 1))
            return rise * 0.5 * (1 + float(np.cos(np.pi * step / config.steps)))

        def loss(step: int) -> Tensor:
            shown = []
            for seed in rng.choice(people, config.batch):
                sample, other = samples[int(seed)], samples[int(rng.choice(people))]
                hung = other.colour[int(rng.integers(len(other.colour)))]
                at = int(rng.integers(len(sample.colour)))
                shown.append(compose(sample, at, config.side, rng, hung))
            told, alpha, band = (t.to(device) for t in _batch(shown))
            return matting_loss(module(told), alpha, band)

        def validate(net: nn.Module) -> dict[str, float]:
            rows = []
            for told, alpha, band in judged:
                found = net(told.to(device)).cpu()
                own = (found[:, 0] - alpha).abs()
                mesh = (0.5 + 0.5 * told[:, 3] - alpha).abs()
                doubt_off = float((found[:, 1] - own).abs().mean())
                in_band = [float((e * band).sum() / band.sum()) for e in (own, mesh)]
                rows.append([*in_band, float(own.mean()), doubt_off])
            error, mesh_error, whole, doubt = np.mean(rows, 0).tolist()
            return {"error": error, "mesh": mesh_error, "whole": whole, "doubt_off": doubt}

        trainer = Trainer(
            module, optimiser,
            TrainerConfig(config.steps, min(250, config.steps), clip_norm=1.0, ema_decay=0.995),
            schedule=torch.optim.lr_scheduler.LambdaLR(optimiser, rate), generators=[rng],
            checkpoint=Checkpoint(
                config.out / "checkpoint.pt", plain_config(config, _NOT_OF_THE_RESULT)
            ),
            report=bars, stage="training the matting net",
        )  # fmt: skip
        trained = trainer.run(loss, validate)
        path = config.out / "matting.onnx"
        write_atomically(path, matting_onnx(module))
    metrics = {
        "error": trained.error, "step": trained.step, "bytes": path.stat().st_size,
        "mesh": trained.history[-1]["mesh"],
        "parameters": sum(p.numel() for p in module.parameters()),
        "config": plain_config(config, _NOT_OF_THE_RESULT), "history": list(trained.history),
        "versions": {name: version(name) for name in ("mien", "torch", "numpy")},
    }  # fmt: skip
    write_atomically(config.out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    return metrics


def _batch(shown: list[Composite]) -> tuple[Tensor, Tensor, Tensor]:
    """Hints (B, HINTS, S, S), alpha (B, S, S), and the open band (B, S, S), 0 or 1."""
    told = np.stack([hints(c.image, c.covered, c.height_px) for c in shown])
    alpha = np.stack([c.alpha for c in shown])
    band = (np.abs(told[:, -1]) < _BAND) | ((alpha > 0.02) & (told[:, 3] < 0))
    return torch.from_numpy(told), torch.from_numpy(alpha), torch.from_numpy(band).float()


def _judged(folder: Path, strangers: list[int], side: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """A batch of each stranger: the same pictures at every check."""
    found = []
    for seed in strangers:
        sample, rng = MatteSample.read(folder / f"{seed}.npz"), np.random.default_rng((seed, 89))
        count = min(_SHOWN, len(sample.colour))
        found.append(_batch([compose(sample, n, side, rng) for n in range(count)]))
    return found


def _photograph(folder: Path, pictures: int, seed: int) -> None:
    draw_matte_sample(seed, pictures).write(folder / f"{seed}.npz")
