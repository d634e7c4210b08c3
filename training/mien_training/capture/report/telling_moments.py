"""Which moments of a take a report shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.footage.captured import CapturedMeshes

__all__ = ["mean_confidence", "moments_over_time", "telling_moments", "textured_moments"]


def mean_confidence(meshes: CapturedMeshes) -> NDArray[np.float64]:
    """(T,) over the vertices; -1 for failures."""
    return np.where(meshes.good, meshes.confidence.mean(1, dtype=np.float64), -1.0)


def telling_moments(meshes: CapturedMeshes) -> dict[str, int]:
    """The best, the median and the worst by confidence, each once; failures are worst of all."""
    order = np.argsort(-mean_confidence(meshes), kind="stable")
    places = {"best": 0, "median": len(order) // 2, "worst": len(order) - 1}
    found: dict[str, int] = {}
    for name, place in places.items():
        if int(order[place]) not in found.values():
            found[name] = int(order[place])
    return found


def moments_over_time(meshes: CapturedMeshes, most: int = 12) -> list[int]:
    """Evenly from the first to the last."""
    count = min(len(meshes), most)
    return sorted({round(float(n)) for n in np.linspace(0, len(meshes) - 1, count)})


def textured_moments(meshes: CapturedMeshes, most: int = 3) -> list[int]:
    """Good ones that are believed most, one of each equal part of the take."""
    confidence = mean_confidence(meshes)
    best = [int(part[confidence[part].argmax()]) for part in _parts(len(meshes), most)]
    return [n for n in best if meshes.good[n]]


def _parts(count: int, most: int) -> list[NDArray[np.int64]]:
    return [part for part in np.array_split(np.arange(count), most) if len(part)]
