"""What pictures agree on: a colour for each place, beside each picture's light and noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Consensus", "consensus", "place_light", "robust_cost"]

_RIDGE = 1e-2
_ROUNDS = 2
_MAD = 0.6745
_LEAST_NOISE = 0.01
_TAIL = 2.5
"""Noise beyond which a place in a picture loses its say."""
_BRIGHTER = 0.5
"""Of that, where a picture is brighter than the others: highlights are, and mislead."""
_FEWEST = 20


@dataclass(frozen=True, eq=False)
class Consensus:
    """Of N pictures and P places."""

    light: Tensor
    """(N, X, 9) how much brighter each picture is, by harmonics of the normal."""
    residual: Tensor
    """(N, X, P) what is left of each picture's logarithms, light and the others' mean taken off."""
    weight: Tensor
    """(N, P) how much each picture counts at each place."""
    noise: Tensor
    """(N,) standard deviation of each picture's residuals; inf where it shows nothing."""


def consensus(colour: Tensor, seen: Tensor, basis: Tensor, start: Consensus | None) -> Consensus:
    """Of logarithms (N, X, P), seen (N, P) in 0..1, basis (P, 9): `harmonics` of the normals.

    start: of the step before; its weights are where this one begins.
    """
    weight = seen if start is None else start.weight
    light = colour.new_zeros(*colour.shape[:2], basis.shape[1]) if start is None else start.light
    ridge = _RIDGE * torch.eye(basis.shape[1])
    for _ in range(_ROUNDS):
        mean = _mean(colour - place_light(light, basis), weight)
        weighted = basis * weight[..., None]  # (N, P, 9)
        left = weighted.transpose(1, 2) @ basis + ridge
        light = torch.linalg.solve(left, weighted.transpose(1, 2) @ (colour - mean).mT).mT
    plain = colour - place_light(light, basis)
    residual = plain - _mean(plain, weight)
    noise = _noise(residual, seen)
    ratio = residual.square().mean(1) / _scale(residual, noise).square()
    return Consensus(light, residual, seen / (1 + ratio).square(), noise)


def robust_cost(residual: Tensor, noise: Tensor) -> Tensor:
    """(N, P) in 0..1, Geman and McClure's, of residuals (N, X, P) beside a noise (N,)."""
    ratio = residual.square().mean(1) / _scale(residual, noise).square()
    return ratio / (1 + ratio)


def place_light(light: Tensor, basis: Tensor) -> Tensor:
    """(N, X, P) of lights (N, X, 9) at places with harmonics (P, 9)."""
    return light @ basis.T


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """(X, P) over the pictures."""
    return (weight[:, None] * values).sum(0) / weight.sum(0).clamp_min(1e-6)


def _noise(residual: Tensor, seen: Tensor) -> Tensor:
    size = residual.square().mean(1).sqrt()
    found = [
        own[there].median() / _MAD if int(there.sum()) >= _FEWEST else size.new_tensor(torch.inf)
        for own, there in zip(size, seen > 0, strict=True)
    ]
    return torch.stack(found).clamp_min(_LEAST_NOISE)


def _scale(residual: Tensor, noise: Tensor) -> Tensor:
    """(N, P)"""
    brighter = torch.where(residual.mean(1) > 0, _BRIGHTER, 1.0)
    return _TAIL * noise[:, None] * brighter
