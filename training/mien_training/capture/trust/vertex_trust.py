"""Views, spread and confidence of every vertex of a moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.capture.trust.trust_model import TrustModel
from mien_training.capture.trust.view_evidence import ViewEvidence

__all__ = ["VertexTrust", "vertex_doubts", "vertex_trust"]

Float64Array = NDArray[np.float64]

_UNIT_M = 0.001
_LARGEST_M = 0.05


@dataclass(frozen=True, eq=False)
class VertexTrust:
    """Of V vertices; what `CapturedMeshes` says of a moment."""

    views: NDArray[np.uint8]
    """(V,) how many cameras saw each."""
    spread_m: NDArray[np.float16]
    """(V,) expected distance from where it really is."""
    confidence: NDArray[np.float16]
    """(V,) 0..1: probability of an error below the model's `within_m`."""


def vertex_trust(
    evidence: ViewEvidence,
    residual_m: ArrayLike | None = None,
    deviation_m: ArrayLike | None = None,
    model: TrustModel | None = None,
) -> VertexTrust:
    """residual_m (V,): `vertex_residuals`; deviation_m (V,): what the predictor itself thinks its
    error is; None, or NaN where there is none. Raises InputError for other shapes."""
    model = model or TrustModel()
    doubts = vertex_doubts(evidence, residual_m, deviation_m)
    spread = np.minimum(model.spread_m(doubts), _LARGEST_M)
    return VertexTrust(
        evidence.views, spread.astype(np.float16), model.confidence(doubts).astype(np.float16)
    )


def vertex_doubts(
    evidence: ViewEvidence,
    residual_m: ArrayLike | None = None,
    deviation_m: ArrayLike | None = None,
) -> Float64Array:
    """(V, 7) what speaks against each vertex, in the order of DOUBTS, all 0 or more:

    unseen: 1 / (1 + sum over views of cosine^2, by how surely skin is seen); grazing: 1 - the
    largest cosine; narrow: 1 - the largest sine between two lines of sight; covered: the share of
    the views in whose sight it lies that see no skin there; far: log(1 + mm) to the nearest vertex
    that two views see; residual and deviation: log(1 + mm), those of the median vertex where there
    is none, and NaN where there are none at all.
    """
    skin = np.where(evidence.seen, evidence.skin, 0.0)
    weight = skin * evidence.cosine
    unseen = 1 / (1 + (weight * evidence.cosine).sum(0))
    grazing = 1 - weight.max(0)
    sine = np.zeros(skin.shape[1])
    for a in range(len(skin)):
        for b in range(a):
            both = evidence.seen[a] & evidence.seen[b]
            across = np.cross(evidence.towards[a], evidence.towards[b])
            apart = np.linalg.norm(across, axis=1)
            # Beyond a right angle two views see better still, not worse.
            wide = (evidence.towards[a] * evidence.towards[b]).sum(1) < 0
            sine = np.maximum(sine, np.where(both, np.where(wide, 1.0, apart), 0.0))
    sight = np.maximum(evidence.in_sight.sum(0), 1)
    covered = (evidence.in_sight * (1 - evidence.skin)).sum(0) / sight
    columns = [unseen, grazing, 1 - sine, covered, np.log1p(evidence.away_m / _UNIT_M)]
    for name, given in (("residual_m", residual_m), ("deviation_m", deviation_m)):
        columns.append(_logarithm(name, given, len(unseen)))
    return np.stack(columns, 1)


def _logarithm(name: str, given: ArrayLike | None, count: int) -> Float64Array:
    if given is None:
        return np.full(count, np.nan)
    values = np.asarray(given, np.float64)
    if values.shape != (count,) or (values < 0).any() or np.isinf(values).any():
        raise InputError(
            f"vertex_trust: {name} {values.shape}, expected ({count},), 0 or more, or NaN"
        )
    known = np.isfinite(values)
    if not known.any():
        return np.full(count, np.nan)
    filled = np.where(known, values, np.median(values[known]))
    return np.log1p(filled / _UNIT_M)
