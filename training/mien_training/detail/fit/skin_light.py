"""The light upon skin of known smooth shape, and how skin answers to slopes of its relief.

Irradiance is a quadratic of the normal (Ramamoorthi and Hanrahan 2001); albedo is one number per
texel, the same in all frames. Both are found in turns, from luminance.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.detail.fit.observed_skin import ObservedSkin
from mien_training.rendering.appearance import harmonics

__all__ = ["SkinLight", "estimate_light"]

_ROUNDS = 6
_RIDGE = 1e-3
_SURE = 3.0
"""Frames' worth of evidence with which a texel's albedo is taken to be its neighbourhood's."""
_LEAST = 0.02
"""Darkest light that shading is taken to give, of the mean."""


@dataclass(frozen=True, eq=False)
class SkinLight:
    """What a set of frames says about its light."""

    coefficients: Tensor
    """(9,) of `harmonics`, in the world; mean irradiance 1."""
    log_albedo: Tensor
    """(N,) of every texel."""
    log_gain: Tensor
    """(E,) of every frame: exposure differs."""

    def irradiance(self, normal: Tensor) -> Tensor:
        """(..., N) of unit normals (..., N, 3)."""
        return (harmonics(normal) @ self.coefficients).clamp_min(_LEAST)

    def response(self, skin: ObservedSkin) -> Tensor:
        """(E, 2, N) change of log luminance per slope of the height along u and v (per unit)."""
        normal = skin.normal.detach().requires_grad_()
        with torch.enable_grad():
            light = self.irradiance(normal)
            slope = torch.autograd.grad(light.log().sum(), normal)[0]
        along = slope - (slope * skin.normal).sum(-1, keepdim=True) * skin.normal
        return -(skin.gradients @ along[..., None])[..., 0].transpose(1, 2)


def estimate_light(skin: ObservedSkin) -> SkinLight:
    """By turns: albedo given the light, the light given the albedo; robust against highlights."""
    luminance = skin.luminance.clamp_min(1e-4)
    base = skin.weight
    basis = harmonics(skin.normal)
    albedo = torch.zeros(luminance.shape[1])
    gain = torch.zeros(len(luminance))
    coefficients = torch.zeros(9)
    weight = base
    for turn in range(_ROUNDS):
        scale = (albedo + gain[:, None]).exp()
        rows = (basis * scale[..., None]).flatten(0, 1)
        w = (weight / luminance.mean()).flatten()[:, None]
        left = (rows * w).T @ rows
        right = (rows * w).T @ luminance.flatten()
        ridge = (_RIDGE * left.diagonal().mean() + 1e-9) * torch.eye(9)  # 1e-9: all is dark
        coefficients = torch.linalg.solve(left + ridge, right)
        coefficients = coefficients / (coefficients[0] * 0.282095).clamp_min(1e-6)
        light = (basis @ coefficients).clamp_min(_LEAST)
        rest = luminance.log() - light.log()
        gain = (weight * (rest - albedo)).sum(1) / weight.sum(1).clamp_min(1e-6)
        own = rest - gain[:, None]
        mean = (weight * own).sum() / weight.sum().clamp_min(1e-6)
        evidence = weight.sum(0)
        albedo = (weight * own).sum(0) / (evidence + _SURE / (turn + 1)) + mean * (
            _SURE / (turn + 1)
        ) / (evidence + _SURE / (turn + 1))
        wrong = own - albedo
        spread = 1.5 * wrong[base > 0].abs().median().clamp_min(1e-3)
        weight = base / (1 + (wrong / (3 * spread)).square())
    return SkinLight(coefficients, albedo, gain)
