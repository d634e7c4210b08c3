"""Channels -> weights of the wrinkle regions: the tension of a rig's skin without its mesh.

What a rig's skin does is nearly homogeneous: half an expression, half the tension. Layers without
biases and ReLUs between them are so by construction, and the neutral gives exactly 0. A linear map
is the simple rival; the better of the two on held-out expressions is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.deform import blend
from mien_training.detail.region_tension import RegionTension
from mien_training.head.strong_expressions import full_on

__all__ = ["WrinkleNetwork", "random_expressions", "train_wrinkle_network"]

Float32Array = NDArray[np.float32]
_HIDDEN = 96
_RIDGE = 1e-3
_STEPS = 1500
_BATCH = 256
_LEARNING_RATE = 3e-3
_CHUNK = 64


@dataclass(frozen=True, eq=False)
class WrinkleNetwork:
    """What came out."""

    layers: tuple[Float32Array, ...]
    """Matrices (out, in), ReLU between them; outputs are to be clipped to -1..1."""
    errors: dict[str, float]
    """Root mean square on held-out expressions of `network`, `linear`, `nothing` (all 0)."""

    def weights(self, channels: Float32Array) -> Float32Array:
        """(T, K) -> (T, R)."""
        x = channels
        for layer in self.layers[:-1]:
            x = np.maximum(x @ layer.T, 0)
        return np.asarray((x @ self.layers[-1].T).clip(-1, 1), np.float32)


def random_expressions(rig_shapes: Float32Array, count: int, seed: int) -> Float32Array:
    """(count, K) weights 0..1: up to four of the strong expressions (E, K) at random strengths,
    one side often stronger than the other; a quarter of them slight."""
    rng = np.random.default_rng((seed, 71))
    rows = np.zeros((count, rig_shapes.shape[1]), np.float32)
    for row in rows:
        for _ in range(int(rng.integers(1, 5))):
            strength = rng.uniform(0, 1) * (0.3 if rng.random() < 0.25 else 1.0)
            uneven = rng.uniform(0.5, 1.0, rig_shapes.shape[1])
            np.maximum(row, strength * uneven * rig_shapes[rng.integers(len(rig_shapes))], out=row)
    return rows


def train_wrinkle_network(tension: RegionTension, seed: int, count: int = 3000) -> WrinkleNetwork:
    """From `count` random expressions of the rig; a fifth of them are held out."""
    rig = tension.gates.rig
    x = random_expressions(full_on(rig), count, seed)
    y = np.concatenate(
        [tension.weights(blend(rig, x[i : i + _CHUNK])) for i in range(0, count, _CHUNK)]
    )
    split = count - count // 5
    known, held = (x[:split], y[:split]), (x[split:], y[split:])
    square = known[0].T @ known[0] + _RIDGE * split * np.eye(x.shape[1])
    linear = np.linalg.solve(square, known[0].T @ known[1]).T.astype(np.float32)
    candidates = {"linear": (linear,), "network": _learnt(known, seed)}
    errors = {"nothing": float(np.sqrt((held[1] ** 2).mean()))}
    for name, layers in candidates.items():
        found = WrinkleNetwork(layers, {}).weights(held[0])
        errors[name] = float(np.sqrt(((found - held[1]) ** 2).mean()))
    best = min(candidates, key=lambda name: errors[name])
    return WrinkleNetwork(candidates[best], errors)


def _learnt(known: tuple[Float32Array, Float32Array], seed: int) -> tuple[Float32Array, ...]:
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.from_numpy(known[0]), torch.from_numpy(known[1])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Linear(x.shape[1], _HIDDEN, bias=False), nn.ReLU(),
            nn.Linear(_HIDDEN, _HIDDEN, bias=False), nn.ReLU(),
            nn.Linear(_HIDDEN, y.shape[1], bias=False),
        )  # fmt: skip
    optimiser = torch.optim.AdamW(net.parameters(), lr=_LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    for _ in range(_STEPS):
        rows = torch.randint(len(x), (_BATCH,), generator=generator)
        out = net(x[rows])
        # Beyond -1 and 1 all is clipped: there only the wrong side costs.
        loss = (out.clamp(-1.05, 1.05) - y[rows]).square().mean() + 0.01 * (
            out - y[rows]
        ).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    linears = [m for m in net if isinstance(m, nn.Linear)]
    return tuple(m.weight.detach().numpy().copy() for m in linears)
