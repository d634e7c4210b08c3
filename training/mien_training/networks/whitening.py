"""Whitening: features of many sizes and scales, made comparable before a network reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["whiten"]

_LEAST_SPREAD = 0.05
"""Of the group's: a feature that varies less is not scaled up further."""


def whiten(
    features: NDArray[np.floating],
    groups: Sequence[tuple[str, int]],
    components: Mapping[str, int],
    noise_floor: float = 1e-3,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean (F,) and matrix (F, P) that whiten features (N, F), each group for itself.

    A group is standardised, and of it the leading principal components are kept, each divided by
    sqrt(its variance + floor): the floor is `noise_floor` of the group's whole variance, so that
    components which are mostly noise stay small. Features (and groups) that do not vary are given
    no weight: nothing can be learned of them.

    `groups` are (name, size) in order; `components`: how many are kept, by group name.
    Raises InputError for a size that does not fit, a group that `components` does not name, or
    values that are not finite.
    """
    total = sum(size for _, size in groups)
    if features.ndim != 2 or features.shape[1] != total or len(features) < 2:
        raise InputError(f"whiten: features have shape {features.shape}, expected (N, {total})")
    if not np.isfinite(features).all():
        raise InputError("whiten: features are not finite")
    missing = [name for name, _ in groups if name not in components]
    if missing:
        raise InputError(f"whiten: no number of components for {missing}")
    mean = features.mean(axis=0, dtype=np.float64)
    blocks, start = [], 0
    for name, size in groups:
        x = features[:, start : start + size].astype(np.float64) - mean[start : start + size]
        kept = min(components[name], size, len(features) - 1)
        block = np.zeros((total, kept))
        block[start : start + size] = _principal_components(x, kept, noise_floor)
        blocks.append(block)
        start += size
    return mean.astype(np.float32), np.concatenate(blocks, axis=1).astype(np.float32)


def _principal_components(
    x: NDArray[np.float64], kept: int, noise_floor: float
) -> NDArray[np.float64]:
    """(size, kept) from centred x (N, size)."""
    deviation = x.std(axis=0)
    # A feature that hardly moves beside its group is mostly noise: do not blow it up.
    least = _LEAST_SPREAD * float(np.sqrt(np.mean(deviation**2)))
    if least < 1e-9:  # rounding only
        return np.zeros((x.shape[1], kept))
    scale = 1.0 / np.maximum(deviation, least)
    z = x * scale
    variances, axes = np.linalg.eigh(z.T @ z / len(z))
    variances, axes = variances[::-1][:kept].clip(0), axes[:, ::-1][:, :kept]
    # The sign of an eigenvector is the solver's whim: make the largest entry positive.
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, np.arange(kept)])
    floor = noise_floor * float((z**2).mean(axis=0).sum())
    result: NDArray[np.float64] = scale[:, None] * axes / np.sqrt(variances + floor)
    return result
