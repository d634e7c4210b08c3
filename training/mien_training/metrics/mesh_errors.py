"""How far a fitted rig is from the truth: pure functions, metres in, millimetres out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.geometry.alignment import Align, fit_alignment, surface_alignment
from mien_training.geometry.nearest_surface import nearest_on_surface

__all__ = [
    "ErrorSummary", "energy_outside_support", "per_shape_error_mm", "point_to_surface_mm",
    "shape_cosine", "summarise", "vertex_errors_mm",
]  # fmt: skip

Float64Array = NDArray[np.float64]

_MM = 1000.0


@dataclass(frozen=True)
class ErrorSummary:
    """Of many errors, millimetres."""

    median: float
    mean: float
    p90: float
    """Nine of ten are smaller."""
    count: int

    def __str__(self) -> str:
        return f"median {self.median:.2f}, mean {self.mean:.2f}, p90 {self.p90:.2f} mm"


def summarise(errors_mm: ArrayLike) -> ErrorSummary:
    """Median, mean and 90th percentile of any number of errors; NaN (no such error) is left out.

    Raises InputError if none is left.
    """
    errors = np.asarray(errors_mm, np.float64).ravel()
    errors = errors[~np.isnan(errors)]
    if not len(errors):
        raise InputError("summarise: no errors, expected at least one")
    return ErrorSummary(
        float(np.median(errors)), float(errors.mean()), float(np.quantile(errors, 0.9)), len(errors)
    )


def vertex_errors_mm(
    vertices: ArrayLike, truth: ArrayLike, mask: ArrayLike | None = None, align: Align = "none"
) -> Float64Array:
    """(N,) distances of corresponding vertices (V, 3), metres; N those of `mask` (V,), or all.

    `align`: first move `vertices` onto the truth as well as those N allow ("rigid"; "similarity"
    also scales). Raises InputError for other shapes.
    """
    found, true = _same_shape("vertex_errors_mm", vertices, truth, 2)
    chosen = _mask("vertex_errors_mm", mask, len(found))
    moved = fit_alignment(found[chosen], true[chosen], align).points(found[chosen])
    return np.asarray(np.linalg.norm(moved - true[chosen], axis=1) * _MM)


def point_to_surface_mm(
    points: ArrayLike, vertices: ArrayLike, triangles: ArrayLike, align: Align = "none"
) -> Float64Array:
    """(P,) distances of (P, 3) points to the nearest point of a mesh (V, 3), (F, 3), metres.

    For meshes of different topologies. `align`: first move the points onto the surface
    (`surface_alignment`). Raises InputError for other shapes.
    """
    moved = surface_alignment(points, vertices, triangles, align).points(points)
    return nearest_on_surface(vertices, triangles, moved).distance * _MM


def per_shape_error_mm(
    deltas: ArrayLike,
    truth: ArrayLike,
    mask: ArrayLike | None = None,
    moving_m: float = 5e-4,
) -> Float64Array:
    """(K,) mean distance of (K, V, 3) shapes, metres, over the vertices that truly move.

    Those of `mask` (V,) whose true displacement exceeds `moving_m`; NaN for a shape without any.
    Turn `deltas` into the truth's axes first (`Alignment.vectors`). Raises InputError for other
    shapes.
    """
    found, true = _same_shape("per_shape_error_mm", deltas, truth, 3)
    moving = np.linalg.norm(true, axis=2) > moving_m
    moving &= _mask("per_shape_error_mm", mask, found.shape[1])
    distance = np.linalg.norm(found - true, axis=2) * _MM
    count = moving.sum(1)
    total = np.where(moving, distance, 0.0).sum(1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def shape_cosine(
    deltas: ArrayLike, truth: ArrayLike, mask: ArrayLike | None = None
) -> Float64Array:
    """(K,) cosine between (K, V, 3) shapes as vectors of 3 V numbers; 1 is the same meaning.

    Blind to amplitude. Over the vertices of `mask` (V,), or all; NaN where the truth does not move
    there, 0 where only the other does not. Raises InputError for other shapes.
    """
    found, true = _same_shape("shape_cosine", deltas, truth, 3)
    chosen = _mask("shape_cosine", mask, found.shape[1])
    a, b = (s[:, chosen].reshape(len(s), -1) for s in (found, true))
    length_a, length_b = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    product = length_a * length_b
    cosine = np.einsum("kn,kn->k", a, b) / np.where(product > 0, product, 1.0)
    return np.asarray(np.where(length_b > 0, cosine, np.nan))


def energy_outside_support(deltas: ArrayLike, support: ArrayLike) -> Float64Array:
    """(K,) share in 0..1 of the squared motion of (K, V, 3) shapes outside (K, V) `support`.

    0 for a shape that does not move. Raises InputError for other shapes.
    """
    found, inside = np.asarray(deltas, np.float64), np.asarray(support, bool)
    if found.ndim != 3 or inside.shape != found.shape[:2]:
        raise InputError(
            f"energy_outside_support: deltas {found.shape} and support {inside.shape}, expected "
            "(K, V, 3) and (K, V)"
        )
    energy = np.square(found).sum(2)
    whole = energy.sum(1)
    outside = np.where(inside, 0.0, energy).sum(1)
    return np.asarray(outside / np.where(whole > 0, whole, 1.0))


def _same_shape(
    caller: str, found: ArrayLike, truth: ArrayLike, dimensions: int
) -> tuple[Float64Array, Float64Array]:
    a, b = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    if a.shape != b.shape or a.ndim != dimensions or a.shape[-1] != 3:
        expected = "(V, 3)" if dimensions == 2 else "(K, V, 3)"
        raise InputError(f"{caller}: {a.shape} and the truth's {b.shape}, expected {expected} both")
    return a, b


def _mask(caller: str, mask: ArrayLike | None, count: int) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(count, np.bool_)
    chosen = np.asarray(mask)
    if chosen.shape != (count,) or chosen.dtype != np.bool_ or not chosen.any():
        raise InputError(
            f"{caller}: mask {chosen.shape} of {chosen.dtype}, expected ({count},) of bool with "
            "at least one True"
        )
    return chosen
