"""The face's own motion smoothed, vertex by vertex in head coordinates; lids keep their pace."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array, diags_array, eye_array

from mien.errors import InputError
from mien_training.capture.over_time.vector_filter import (
    FilterSettings,
    VectorState,
    cutoff_hz,
    low_pass_share,
)
from mien_training.geometry.laplacian import dilated, mesh_edges
from mien_training.head import Template

__all__ = ["ShapeSmoothing", "SmoothedMesh", "smooth_shape"]

Float64Array = NDArray[np.float64]

_POOLINGS = 4
_QUICK_RINGS = 2


@dataclass(frozen=True)
class ShapeSmoothing:
    """How the face's motion is smoothed; units are metres."""

    skin: FilterSettings = field(
        default_factory=lambda: FilterSettings(1.0, 150.0, quiet=0.008, derivative_cutoff_hz=3.0)
    )
    """Of all but lids and lips."""
    quick: FilterSettings = field(
        default_factory=lambda: FilterSettings(2.0, 600.0, quiet=0.03, derivative_cutoff_hz=15.0)
    )
    """Of lids and lips: a blink is over within 0.1 to 0.2 s."""
    least_trust: float = 0.3
    """A vertex of confidence 0 has this share of the cut-off of one of confidence 1."""

    def __post_init__(self) -> None:
        if not 0 < self.least_trust <= 1:
            raise InputError(f"ShapeSmoothing: least_trust {self.least_trust}, expected 0..1")


@dataclass(frozen=True, eq=False)
class SmoothedMesh:
    """What smoothing must know of a mesh."""

    pool: csr_array
    """(V, V) weighted means over neighbours, by which speeds are told from noise."""
    quick: NDArray[np.bool_]
    """(V,) lids and lips."""

    @classmethod
    def of(cls, template: Template) -> SmoothedMesh:
        """Of a template."""
        count = len(template.vertices)
        i, j = mesh_edges(template.triangles).T
        ends = np.append(i, j), np.append(j, i)
        links = coo_array((np.ones(2 * len(i)), ends), shape=(count, count)).tocsr()
        links = csr_array(links + eye_array(count, format="csr"))
        mean = csr_array(diags_array(1 / links.sum(1)) @ links)
        pool = mean
        for _ in range(_POOLINGS - 1):
            pool = csr_array(mean @ pool)
        edges = template.regions["lids"] | template.regions["lips"]
        return cls(pool, dilated(edges, template.triangles, _QUICK_RINGS))


def smooth_shape(
    vertices: ArrayLike,
    confidence: ArrayLike,
    dt_s: float,
    state: VectorState | None,
    mesh: SmoothedMesh,
    config: ShapeSmoothing,
) -> tuple[Float64Array, VectorState]:
    """Smooth vertices (V, 3) in head coordinates that come `dt_s` seconds after those in `state`.

    One-Euro filters, one for each vertex, whose speed is the length of the mean velocity of its
    neighbourhood; the cut-off falls with confidence (V,). Without a state the vertices pass.
    Raises InputError for other shapes, numbers that are not finite, or a dt_s not above 0.
    """
    at, sure = np.asarray(vertices, np.float64), np.asarray(confidence, np.float64)
    if at.shape != (len(mesh.quick), 3) or sure.shape != at.shape[:1]:
        raise InputError(
            f"smooth_shape: vertices {at.shape}, confidence {sure.shape}, expected "
            f"({len(mesh.quick)}, 3) and ({len(mesh.quick)},)"
        )
    if not (np.isfinite(at).all() and np.isfinite(sure).all()):
        raise InputError("smooth_shape: vertices or confidence are not finite")
    if state is None:
        return at, VectorState.at(at)
    if not dt_s > 0:
        raise InputError(f"smooth_shape: dt_s is {dt_s}, time must increase")
    rate = (at - state.raw) / dt_s
    follow = np.where(
        mesh.quick,
        low_pass_share(config.quick.derivative_cutoff_hz, dt_s),
        low_pass_share(config.skin.derivative_cutoff_hz, dt_s),
    )
    speed = state.speed + follow[:, None] * (rate - state.speed)
    pace = np.linalg.norm(mesh.pool @ speed, axis=1)
    cutoff = np.where(mesh.quick, cutoff_hz(pace, config.quick), cutoff_hz(pace, config.skin))
    cutoff *= config.least_trust + (1 - config.least_trust) * sure.clip(0, 1)
    smooth = state.smooth + low_pass_share(cutoff, dt_s)[:, None] * (at - state.smooth)
    return smooth, VectorState(at, smooth, speed)
