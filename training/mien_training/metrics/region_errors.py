"""Errors by part of the surface; what cameras saw, and what they could not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

__all__ = ["RegionError", "errors_by_region"]


@dataclass(frozen=True)
class RegionError:
    """Of one part of the surface, millimetres; NaN where there is none of it."""

    region: str
    which: str
    """all, seen or hidden."""
    median: float
    mean: float
    deviation: float
    """Standard deviation of the errors."""
    count: int


def errors_by_region(
    errors_mm: ArrayLike, regions: Mapping[str, ArrayLike], seen: ArrayLike | None = None
) -> tuple[RegionError, ...]:
    """Of errors (P,) at points of the surface, such as `point_to_surface_mm` of true points or
    `vertex_errors_mm`; NaN errors are left out.

    regions: name -> (P,) bool; seen (P,) bool: adds, after "all" of each region, what cameras
    "seen" and "hidden" from them. Raises InputError for other shapes.
    """
    errors = np.asarray(errors_mm, np.float64)
    if errors.ndim != 1:
        raise InputError(f"errors_by_region: errors {errors.shape}, expected (P,)")
    which = {"all": np.ones(len(errors), np.bool_)}
    if seen is not None:
        visible = _flags("seen", seen, len(errors))
        which |= {"seen": visible, "hidden": ~visible}
    return tuple(
        _summary(name, part, errors[_flags(name, members, len(errors)) & chosen])
        for name, members in regions.items()
        for part, chosen in which.items()
    )


def _summary(region: str, which: str, errors: NDArray[np.float64]) -> RegionError:
    errors = errors[~np.isnan(errors)]
    if not len(errors):
        return RegionError(region, which, np.nan, np.nan, np.nan, 0)
    return RegionError(
        region, which, float(np.median(errors)), float(errors.mean()), float(errors.std()),
        len(errors),
    )  # fmt: skip


def _flags(name: str, flags: ArrayLike, count: int) -> NDArray[np.bool_]:
    found = np.asarray(flags)
    if found.shape != (count,) or found.dtype != np.bool_:
        raise InputError(
            f"errors_by_region: {name} {found.shape} of {found.dtype}, expected ({count},) of bool"
        )
    return found
