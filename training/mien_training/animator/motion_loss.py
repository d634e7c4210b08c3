"""How wrong blendshape weights are, measured by how far they move the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError

__all__ = ["MotionLossConfig", "motion_gram", "motion_loss", "moving_vertices", "vertex_error_mm"]

_MOVES_M = 1e-3
_MM_PER_M = 1000.0


def moving_vertices(
    shape_deltas: NDArray[np.floating], skin: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(V,) skin vertices that some shape (K, V, 3), metres, moves by more than 1 mm.

    Raises InputError where nothing moves: an error over no vertices would be 0 for any answer.
    """
    if shape_deltas.ndim != 3 or shape_deltas.shape[1:] != (len(skin), 3):
        raise InputError(
            f"shape_deltas have shape {shape_deltas.shape}, expected (K, {len(skin)}, 3)"
        )
    moving = skin & (np.linalg.norm(shape_deltas, axis=2) > _MOVES_M).any(axis=0)
    if not moving.any():
        raise InputError("no shape moves the skin by more than 1 mm")
    return np.asarray(moving, bool)


def motion_gram(shape_deltas: NDArray[np.floating], skin: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(K, K) mm²: e^T G e is the mean squared motion, over moving skin vertices, of weights e."""
    moving = moving_vertices(shape_deltas, skin)
    d = shape_deltas[:, moving].reshape(len(shape_deltas), -1).astype(np.float64) * _MM_PER_M
    gram: NDArray[np.float64] = d @ d.T / int(moving.sum())
    return gram


def vertex_error_mm(
    predicted: NDArray[np.floating],
    true: NDArray[np.floating],
    shape_deltas: NDArray[np.floating],
    moving: NDArray[np.bool_],
    chunk: int = 256,
) -> NDArray[np.float64]:
    """(T,) mean distance, over the moving vertices, of the faces that two weights (T, K) make."""
    if predicted.shape != true.shape or predicted.shape[1:] != shape_deltas.shape[:1]:
        raise InputError(
            f"predicted has shape {predicted.shape} and true {true.shape}, expected both "
            f"(T, {len(shape_deltas)})"
        )
    d = (shape_deltas[:, moving].astype(np.float64) * _MM_PER_M).reshape(len(shape_deltas), -1)
    difference = np.asarray(predicted, np.float64) - true
    errors = np.empty(len(difference))
    for start in range(0, len(difference), chunk):
        part = difference[start : start + chunk]
        distances = np.linalg.norm((part @ d).reshape(len(part), -1, 3), axis=2)
        errors[start : start + chunk] = distances.mean(axis=1)
    return errors


@dataclass(frozen=True)
class MotionLossConfig:
    """What the animator is trained to keep small."""

    l2_weight: float = 0.1
    """Weight of the plain squared error of the channels, beside the motion of the skin: what
    hardly moves the skin is to be right too."""
    velocity: float = 0.2
    """Weight of the same error between neighbouring frames: against jitter and lag."""


def motion_loss(
    predicted: Tensor, true: Tensor, gram: Tensor, config: MotionLossConfig | None = None
) -> Tensor:
    """Scalar mm² from weights (B, T, K) and `motion_gram` (K, K).

    e^T G' e averaged over frames, plus `velocity` times the same of the frame differences, where
    G' = G + l2_weight * mean(diag G) * I.
    """
    config = config or MotionLossConfig()
    plain = config.l2_weight * gram.diagonal().mean()
    metric = gram + plain * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    error = predicted - true
    loss = ((error @ metric) * error).sum(-1).mean()
    if config.velocity and error.shape[-2] > 1:
        change = error[..., 1:, :] - error[..., :-1, :]
        loss = loss + config.velocity * ((change @ metric) * change).sum(-1).mean()
    return loss
