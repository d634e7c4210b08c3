"""First part of a registration: pose, size, identity and expression in closed form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.spatial.transform import Rotation

from mien.deform import vertex_normals
from mien_training.geometry.alignment import Alignment, fit_alignment
from mien_training.head import Template
from mien_training.head.landmark_sets import LID_PAIRS
from mien_training.rig.scan.ears import ear_modes
from mien_training.rig.scan.scan_landmarks import ScanLandmarks
from mien_training.rig.scan.scan_target import ScanPoints, ScanTarget

__all__ = ["PersonFit", "fit_person", "template_at_landmarks"]

Float64Array = NDArray[np.float64]

_LANDMARK_NOISE_M = 0.002
_SURFACE_NOISE_M = 0.0015
_INDEPENDENT = 400
"""Vertices beside each other err alike: together they count as this many."""
_WEIGHT_DEVIATION = 0.3
"""Prior of expression weights, about 0."""
_CLOSURE_DEVIATION = 0.05
"""Of a blink that the distance of the lids tells."""
_REACH_M = (0.02, 0.015, 0.01, 0.008, 0.006, 0.006, 0.005, 0.005)
"""Gates of the rounds that see the surface."""
_AGREE = 0.6
_SCAN_POINTS = 3000

_OPEN, _SHUT = 0.3, 0.85
"""Shares of the template's own opening: eyes differ by the one, touching rims measure the other."""


@dataclass(frozen=True, eq=False)
class PersonFit:
    """The nearest of the template's own people."""

    identity: Float64Array
    """(M,) coefficients of the template's identity modes."""
    weights: Float64Array
    """(E,) of the expressions asked for, 0..1."""
    rig_from_scan: Alignment
    neutral: Float64Array
    """(V, 3) rig space, metres: template, identity and ears."""
    shown: Float64Array
    """(V, 3) what the expressions add."""

    def state(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return asdict(self)

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> PersonFit:
        """What `state` returned, before or after it was on disk."""
        arrays = {n: np.asarray(v) for n, v in state.items() if n != "rig_from_scan"}
        placed = state["rig_from_scan"]
        turn, shift = (np.asarray(placed[name]) for name in ("rotation", "translation"))
        return cls(rig_from_scan=Alignment(turn, shift, placed["scale"]), **arrays)


def template_at_landmarks(template: Template, values: Float64Array) -> Float64Array:
    """(478, ...) values of (V, ...) vertices at the tracker's points; 0 where a point is absent."""
    landmarks = template.landmarks
    present = landmarks.triangle >= 0
    corners = template.triangles[np.where(present, landmarks.triangle, 0)]
    shares = landmarks.barycentric * present[:, None]
    return np.asarray(np.einsum("lc,lc...->l...", shares.astype(np.float64), values[corners]))


def fit_person(
    template: Template,
    found: ScanLandmarks,
    target: ScanTarget,
    attracted: Float64Array,
    expressions: list[int],
    use_identity: bool = True,
) -> PersonFit:
    """Least squares with a normal prior: first over the landmarks, then over the surface as well.

    Each round solves for everything at once, the pose linearised (as in Chen and Medioni's ICP):
    landmarks as points, vertices and the scan's own points by their distance along the scan's
    normal. The size is the scan's unit's, never an unknown: identities have sizes, too.

    attracted: (V,) weight of each vertex; expressions: indices of the template's shapes that may
    be at work; use_identity: False keeps the mean head, and fits pose and expressions.
    """
    modes = np.zeros((0, *template.vertices.shape))
    ears = modes
    if use_identity:
        ears = ear_modes(template)
        if template.identity is not None:
            modes = template.identity.modes.astype(np.float64)
    shapes = template.shape_deltas[expressions].astype(np.float64)
    m, e = len(modes) + len(ears), len(expressions)
    basis = np.concatenate([modes, ears, shapes]).transpose(1, 2, 0)
    base = template.vertices.astype(np.float64)
    at_landmarks, basis_landmarks = (template_at_landmarks(template, v) for v in (base, basis))
    confidence = found.confidence * (template.landmarks.triangle >= 0)
    good = confidence > 0
    placed = _first_placing(found, at_landmarks[good], confidence[good], good)
    mean, deviation = _expected_weights(template, found, expressions)
    surface = _SurfaceRows(template, target, attracted, basis)
    x = np.zeros(m + e)
    for reach in (None, None, None, *_REACH_M):
        p = placed.points(found.points[good])
        weight = np.sqrt(confidence[good] / 3) / _LANDMARK_NOISE_M
        middle = p.mean(0)
        rows = [_point_rows(basis_landmarks[good], p - middle, weight)]
        gaps = [((p - at_landmarks[good]) * weight[:, None]).reshape(-1)]
        if reach is not None:
            for some_rows, some_gaps in surface.rows(placed, base + basis @ x, middle, reach):
                rows.append(some_rows)
                gaps.append(some_gaps)
        rows.append(np.diag(np.r_[np.ones(m), 1 / deviation, np.zeros(6)]))
        gaps.append(np.r_[np.zeros(m), mean / deviation, np.zeros(6)])
        solution = _bounded(np.concatenate(rows), np.concatenate(gaps), m, e)
        x, step = solution[: m + e], solution[m + e :]
        placed = _moved(placed, step, middle)
    identity = np.zeros(0 if template.identity is None else len(template.identity.modes))
    identity[: len(modes)] = x[: len(modes)]
    return PersonFit(identity, x[m:], placed, base + basis[..., :m] @ x[:m], basis[..., m:] @ x[m:])


class _SurfaceRows:
    """Equations of the surface, both ways."""

    def __init__(
        self, template: Template, target: ScanTarget, attracted: Float64Array, basis: Float64Array
    ) -> None:
        self.template, self.target, self.basis = template, target, basis
        self.attracted = attracted
        self.chosen = np.flatnonzero(attracted > 0.05)
        self.base = template.vertices.astype(np.float64)

    def rows(
        self, placed: Alignment, now: Float64Array, middle: Float64Array, reach_m: float
    ) -> Iterator[tuple[Float64Array, Float64Array]]:
        """(rows, gaps) for a head at (V, 3): its vertices, then the scan's points."""
        normals = vertex_normals(now.astype(np.float32), self.template.triangles)
        chosen, attracted = self.chosen, self.attracted
        at = normals[chosen].astype(np.float64)
        hit = self.target.match(placed, now[chosen], at, reach_m, _AGREE)
        use, q, n = chosen[hit.valid], hit.positions[hit.valid], hit.normals[hit.valid]
        share = attracted[use] / max(float(attracted[chosen].sum()), 1e-9)
        weight = np.sqrt(share * _INDEPENDENT) / _SURFACE_NOISE_M
        yield (
            _plane_rows(self.basis[use], q - middle, n, weight),
            ((q - self.base[use]) * n).sum(1) * weight,
        )
        scan = ScanPoints(self.template, self.target, placed, attracted, now, _SCAN_POINTS)
        scan.match(now.astype(np.float32), reach_m, _AGREE)
        if len(scan.corners):
            weight = np.full(len(scan.corners), np.sqrt(_INDEPENDENT / _SCAN_POINTS))
            weight /= _SURFACE_NOISE_M
            basis = np.einsum("pc,pcxm->pxm", scan.shares, self.basis[scan.corners])
            base = np.einsum("pc,pcx->px", scan.shares, self.base[scan.corners])
            q, n = scan.places, scan.normals
            yield _plane_rows(basis, q - middle, n, weight), ((q - base) * n).sum(1) * weight


def _first_placing(
    found: ScanLandmarks,
    landmark_points: Float64Array,
    confidence: Float64Array,
    good: NDArray[np.bool_],
) -> Alignment:
    """rig_from_scan onto the mean head, in the scan's own size."""
    unit = found.scan.metres_per_unit or found.rig_from_scan.scale
    use = confidence >= np.quantile(confidence, 0.3)
    rigid = fit_alignment(found.points[good][use] * unit, landmark_points[use], "rigid")
    return Alignment(rigid.rotation, rigid.translation, unit)


def _point_rows(basis: Float64Array, p: Float64Array, weight: Float64Array) -> Float64Array:
    """Of basis x - (turn, shift) p, (3 P, M + 6): what both sides add to a gap."""
    zero = np.zeros(len(p))
    x, y, z = p.T
    turn = np.stack([
        np.stack([zero, z, -y], 1), np.stack([-z, zero, x], 1), np.stack([y, -x, zero], 1),
    ], 1)  # fmt: skip
    shift = np.broadcast_to(np.eye(3), (len(p), 3, 3))
    whole = np.concatenate([basis, -turn, -shift], 2)
    return np.asarray((whole * weight[:, None, None]).reshape(-1, whole.shape[2]))


def _plane_rows(
    basis: Float64Array, q: Float64Array, n: Float64Array, weight: Float64Array
) -> Float64Array:
    """The same along normals n, (P, M + 6)."""
    along = np.einsum("px,pxm->pm", n, basis)
    whole = np.concatenate([along, -np.cross(q, n), -n], 1)
    return np.asarray(whole * weight[:, None])


def _bounded(rows: Float64Array, gaps: Float64Array, m: int, e: int) -> Float64Array:
    """Least squares with the e unknowns after the first m in 0..1."""
    r = np.linalg.cholesky(rows.T @ rows + 1e-9 * np.eye(rows.shape[1])).T
    low, high = np.full(m + e + 6, -np.inf), np.full(m + e + 6, np.inf)
    low[m : m + e], high[m : m + e] = 0.0, 1.0
    rhs = np.linalg.solve(r.T, rows.T @ gaps)
    return np.asarray(lsq_linear(r, rhs, (low, high), method="bvls").x)


def _moved(placed: Alignment, step: Float64Array, middle: Float64Array) -> Alignment:
    turn = Rotation.from_rotvec(step[:3]).as_matrix()
    shift = middle + step[3:6] - turn @ middle
    return Alignment(turn @ placed.rotation, turn @ placed.translation + shift, placed.scale)


def _expected_weights(
    template: Template, found: ScanLandmarks, expressions: list[int]
) -> tuple[Float64Array, Float64Array]:
    """(E,) mean and deviation of the weights before any fit: lids that touch are closed.

    Left to the fit, identities with narrow eyes would take the part of a blink.
    """
    mean, deviation = np.zeros(len(expressions)), np.full(len(expressions), _WEIGHT_DEVIATION)
    points = found.rig_from_scan.points(found.points)
    rest = template_at_landmarks(template, template.vertices.astype(np.float64))
    for i, k in enumerate(expressions):
        side = template.shape_names[k].removeprefix("eyeBlink")
        if side not in LID_PAIRS:
            continue
        moved = rest + template_at_landmarks(template, template.shape_deltas[k].astype(np.float64))
        upper, lower = np.array(LID_PAIRS[side]).T
        gap, most, least = (
            float(np.median((p[upper] - p[lower])[:, 1])) for p in (points, rest, moved)
        )
        if np.isfinite(gap) and most > least:
            share = (most - gap) / (most - max(least, 0.0))
            mean[i] = 0.0 if share < _OPEN else min(share / _SHUT, 1.0)
            deviation[i] = _CLOSURE_DEVIATION
    return mean, deviation
