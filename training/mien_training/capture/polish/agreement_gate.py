"""Where the pictures agree better after than before, by places that had no part in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from mien_training.capture.polish.consensus import consensus, robust_cost
from mien_training.capture.polish.normal_levels import SeenPlaces
from mien_training.capture.polish.picture_levels import Level
from mien_training.capture.polish.smooth_offset import SmoothOffset

__all__ = ["Judgement", "judge", "kept_share"]

Float64Array = NDArray[np.float64]

_AROUND_M = 0.012
"""Radius of what is judged together."""
_FEWEST = 8
_LEAST_PLACES = 25
_DOUBTED, _BELIEVED = 0.0, 1.0
"""Gain over its standard error at which a displacement begins to be kept, and is kept whole."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """Of Q places that two pictures or more show and no step has used."""

    at: Float64Array
    """(Q, 3) metres, before."""
    gain: Float64Array
    """(Q,) by how much less the pictures differ after, robust, -1..1."""
    disagreement_before: float
    """Share of brightness by which they differ from their mean."""
    disagreement_after: float


def judge(
    seen: SeenPlaces, level: Level, before: Float64Array, after: Float64Array, faces: Tensor
) -> Judgement | None:
    """Meshes (V, 3) before and after, by places as they are seen before; None for too few."""
    if seen.judge.sum() < _LEAST_PLACES:
        return None
    found = []
    for vertices in (before, after):
        at = seen.places.at(torch.from_numpy(vertices).float(), faces)
        found.append(consensus(level.shown(at), seen.places.weight, seen.basis, None))
    noise = torch.minimum(found[0].noise, found[1].noise)
    own = torch.from_numpy(seen.judge)
    weight = seen.places.weight[:, own]
    total = weight.sum(0).clamp_min(1e-6)
    costs, gaps = [], []
    for each in found:
        residual = each.residual[..., own]
        costs.append((weight * robust_cost(residual, noise)).sum(0) / total)
        gap = residual.square().mean(1).sqrt()
        gaps.append(float((weight * gap).sum() / weight.sum().clamp_min(1e-6)))
    gain = (costs[0] - costs[1]).double().numpy()
    return Judgement(seen.at[own].double().numpy(), gain, *gaps)


def kept_share(
    judgement: Judgement,
    nodes: Float64Array,
    moved_m: Float64Array,
    most_m: float,
    prior: SmoothOffset,
) -> Float64Array:
    """(K,) 0..1 how much of their displacement nodes (K, 3) keep; moved_m (K,): its length.

    It takes eight places within 12 mm that agree better, by more than chance would have it, and a
    displacement of no more than most_m; what is left is smooth.
    """
    around: Any = cKDTree(judgement.at).query_ball_point(nodes, _AROUND_M)
    count = np.array([len(near) for near in around])
    node = np.repeat(np.arange(len(nodes)), count)
    gain = judgement.gain[np.concatenate([np.asarray(near, np.int64) for near in around])]
    few = np.maximum(count, 1)
    mean = np.bincount(node, gain, len(nodes)) / few
    deviation = np.sqrt(np.bincount(node, (gain - mean[node]) ** 2, len(nodes)) / few)
    score = np.where(count >= _FEWEST, mean / np.maximum(deviation / np.sqrt(few), 1e-9), 0)
    kept = np.clip((score - _DOUBTED) / (_BELIEVED - _DOUBTED), 0, 1)
    kept = kept * np.clip(2 - 2 * moved_m / most_m, 0, 1)
    return np.asarray(prior.smoothed(kept[:, None])[:, 0].clip(0, 1))
