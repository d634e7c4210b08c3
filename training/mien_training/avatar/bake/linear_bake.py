"""The expression network as K maps and their amounts.

What the network says over a film varies in few ways: eight principal components held 99.8 % of
it beforehand. So the maps are those components, and a small network gives their amounts
from channels and head pose (as SqueezeMe and RGBAvatar have it): no convolution at run time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.even_frames import even_frames
from mien_training.avatar.splats.train_splats import SplatAvatar
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["BakeConfig", "LinearBake", "bake"]

Float32Array = NDArray[np.float32]
_OWN = 600
"""Frames of the film that the maps are of, at most: each is held with all its texels."""
_WEIGHTS = np.repeat([1.0, 1.0, 1.0, 0.5, 1.0, 1.0], [3, 3, 3, 1, 3, 3]).astype(np.float32)
"""How much a unit of place, turn, log size, opacity and colours counts."""


@dataclass(frozen=True)
class BakeConfig:
    """How the network is made linear."""

    bases: int = 16
    """Maps, at most 24."""
    hidden: int = 64
    """Width of the network of amounts."""
    invented: int = 400
    """Frames beside the film's: its weights mixed and its head turned."""
    steps: int = 3000
    """Of the network of amounts."""

    def __post_init__(self) -> None:
        if not 1 <= self.bases <= 24:
            raise InputError(f"bake: bases {self.bases}, expected 1 to 24")
        if min(self.hidden, self.steps) < 1 or self.invented < 0:
            raise InputError(
                f"bake: hidden {self.hidden}, steps {self.steps}, invented {self.invented}, "
                "expected above 0, above 0, and 0 or more"
            )


@dataclass(frozen=True, eq=False)
class LinearBake:
    """changes = mean + sum_k amounts_k maps_k."""

    mean: Float32Array
    """(N, CHANGES) of the atlas's texels."""
    maps: Float32Array
    """(K, N, CHANGES); amounts are of one standard deviation."""
    layers: tuple[tuple[Float32Array, Float32Array], ...]
    """Matrices (out, in) and offsets (out,), ReLU between them: codes -> amounts (K,)."""
    unexplained: float
    """Of the frames' variance, what K maps leave."""

    def amounts(self, codes: Tensor) -> Tensor:
        """(B, K) of codes (B, C)."""
        x = codes
        for n, (matrix, offset) in enumerate(self.layers):
            x = x if n == 0 else x.relu()
            x = x @ torch.from_numpy(matrix).T + torch.from_numpy(offset)
        return x

    def changes(self, codes: Tensor) -> Tensor:
        """(B, N, CHANGES)"""
        maps = torch.from_numpy(self.maps)
        mixed = torch.einsum("bk,knc->bnc", self.amounts(codes), maps)
        return torch.from_numpy(self.mean) + mixed


def bake(
    avatar: SplatAvatar, film: AvatarFilm, config: BakeConfig, seed: int, report: Report = silent
) -> LinearBake:
    """From the film's training frames, and others made of them."""
    rng = np.random.default_rng((seed, 17))
    weights, codes = _frames(film, config, rng)
    head, device = avatar.head, avatar.neutral.device
    rows = []
    with torch.no_grad():
        for n in range(len(codes)):
            apart = np.tensordot(weights[n : n + 1], film.person.shape_deltas, 1)
            moved = torch.from_numpy(apart.astype(np.float32)).to(device)
            changes = avatar.changes(avatar.neutral + moved, codes[n : n + 1].to(device))
            rows.append(head.anchors.sample(changes)[0].cpu().numpy().astype(np.float16))
            report(Progress("baking", n + 1, len(codes)))
    said = np.stack(rows).astype(np.float32) * _WEIGHTS
    mean = said.mean(0)
    apart = (said - mean).reshape(len(said), -1)
    # Of frames by frames: there are fewer of them than of texels (Sirovich 1987).
    values, vectors = np.linalg.eigh((apart @ apart.T).astype(np.float64))
    kept = min(config.bases, len(values))
    amounts = vectors[:, ::-1][:, :kept] * np.sqrt(len(said))
    maps = (amounts.T @ apart / len(said)).reshape(kept, *mean.shape)
    left = float(values[::-1][kept:].clip(0).sum() / max(values.clip(0).sum(), 1e-12))
    layers = _learn(codes, torch.from_numpy(amounts).float(), config, seed)
    return LinearBake(
        (mean / _WEIGHTS).astype(np.float32), (maps / _WEIGHTS).astype(np.float32), layers, left
    )


def _frames(
    film: AvatarFilm, config: BakeConfig, rng: np.random.Generator
) -> tuple[Float32Array, Tensor]:
    """Weights (F, K) and codes (F, C) of the film's training frames, of a long film of some, and of
    invented ones."""
    frames = even_frames(film.training, _OWN)
    own = film.weights[frames]
    count = config.invented
    a, b, c = (own[rng.integers(len(own), size=count)] for _ in range(3))
    mixed = np.maximum(a * rng.uniform(0, 1, (count, 1)), b * rng.uniform(0, 1, (count, 1)))
    mixed = np.where(rng.random((count, 1)) < 0.5, mixed, c * rng.uniform(0, 1, (count, 1)))
    weights = np.concatenate([own, mixed.astype(np.float32)])
    told = film.codes(frames).numpy()
    turns = told[rng.integers(len(told), size=count), weights.shape[1] :]
    codes = np.concatenate([told, np.concatenate([mixed, turns], 1)]).astype(np.float32)
    return weights, torch.from_numpy(codes)


def _learn(
    codes: Tensor, amounts: Tensor, config: BakeConfig, seed: int
) -> tuple[tuple[Float32Array, Float32Array], ...]:
    """Layers that give `amounts` (F, K) for `codes` (F, C)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Linear(codes.shape[1], config.hidden), nn.ReLU(),
            nn.Linear(config.hidden, config.hidden), nn.ReLU(),
            nn.Linear(config.hidden, amounts.shape[1]),
        )  # fmt: skip
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    for _ in range(config.steps):
        loss = (net(codes) - amounts).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return tuple(
        (m.weight.detach().numpy().copy(), m.bias.detach().numpy().copy())
        for m in net
        if isinstance(m, nn.Linear)
    )
