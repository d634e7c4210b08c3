"""Teeth, gums and tongue hang on skull or jaw, and the jaw swings as far as the person's chin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm, logm
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mien_training.anatomy.eyeballs import STILL_M
from mien_training.anatomy.teeth_clearance import setback_m
from mien_training.geometry.alignment import Alignment, fit_alignment
from mien_training.head import Template
from mien_training.templates.contact_pairs import contact_pairs

__all__ = ["RigidMouth", "bind_to_jaw"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_RATIO = (0.0, 3.0)
"""Of a person's swing to the template's: outside, the chin's motion is no jaw's."""
_SNAP = 0.05
"""Gums that are this near to hanging on one bone alone do."""


@dataclass(frozen=True, eq=False)
class RigidMouth:
    """What in a template's mouth hangs on bones."""

    inner: Int64Array
    """(N,) vertices of teeth, gums and tongue."""
    on_jaw: Float64Array
    """(N,) 1 on the jaw, 0 on the skull; between where gums join the two."""
    swings: dict[int, Alignment]
    """Shape -> the jaw's rigid motion in it; shapes that leave the lower teeth are left out."""
    chin: Int64Array
    """(M,) skin that goes with the jaw."""
    chin_weight: Float64Array
    """(M,) how closely, 0..1."""

    @classmethod
    def of(cls, template: Template) -> RigidMouth | None:
        """None for a template without teeth, or whose jawOpen leaves them where they are."""
        arches = [p for p in contact_pairs(template) if p.name == "teeth"]
        if not arches:
            return None
        v, lower = template.vertices.astype(np.float64), arches[0].second
        swings = {
            k: fit_alignment(v[lower], v[lower] + delta[lower])
            for k, delta in enumerate(template.shape_deltas.astype(np.float64))
            if np.abs(delta[lower]).max() > STILL_M
        }
        opened = template.shape_names.index("jawOpen")
        if opened not in swings:
            return None
        swing = swings[opened].points(v) - v
        motion = template.shape_deltas[opened].astype(np.float64)
        length = np.maximum((swing**2).sum(1), 1e-12)
        share = ((motion * swing).sum(1) / length).clip(0, 1)
        inner, part = _inner(template)
        on_jaw = share[inner]
        on_jaw = np.where(on_jaw < _SNAP, 0.0, np.where(on_jaw > 1 - _SNAP, 1.0, on_jaw))
        teeth = template.regions["teeth"][inner]
        for tooth in np.unique(part[teeth]):
            members = teeth & (part == tooth)
            on_jaw[members] = np.round(np.median(on_jaw[members]))
        off = np.linalg.norm(motion - swing, axis=1) / np.sqrt(length)
        weight = np.where(template.regions["skin"] & ~template.regions["lips"], 1 - off / 0.25, 0)
        chin = np.flatnonzero(weight > 0)
        return cls(inner, on_jaw, swings, chin, weight[chin])


def bind_to_jaw(
    template: Template, neutral: Float32Array, deltas: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Neutral (V, 3) and shapes (K, V, 3) with a rigid inner mouth; all else as given. Metres.

    Teeth, gums and tongue are the template's under one similarity, as far back as the lips in
    front of them need. What hangs on the skull rests
    in every shape. What hangs on the jaw moves as one: along the template's own motion, as far
    as the chin's skin goes in comparison, then by what that is off by on average. A tongue moves
    by itself where the template's does, as far as the person's.
    """
    mouth = RigidMouth.of(template)
    neutral, deltas = neutral.copy(), deltas.copy()
    if mouth is None:
        return neutral, deltas
    v = template.vertices.astype(np.float64)
    place = _behind_lips(template, mouth, neutral, deltas)
    inner, rest = mouth.inner, place.points(v[mouth.inner])
    neutral[inner] = rest
    tongue = template.regions["tongue"][inner]
    for k, delta in enumerate(template.shape_deltas.astype(np.float64)):
        moved = np.zeros_like(rest)
        if k in mouth.swings:
            swing, ratio = _person_swing(mouth, place, k, v, delta, neutral, deltas[k])
            moved = mouth.on_jaw[:, None] * (swing.points(rest) - rest)
            alone = mouth.swings[k].points(v[inner]) - v[inner]
            own = delta[inner] - mouth.on_jaw[:, None] * alone
            between = tongue | ((mouth.on_jaw > 0) & (mouth.on_jaw < 1))
            moved += between[:, None] * ratio * place.vectors(own)
        elif np.abs(delta[inner[tongue]]).max(initial=0.0) > STILL_M:
            usual = place.vectors(delta[inner]) * tongue[:, None]
            moved = usual * _ratio(deltas[k, inner], usual, tongue.astype(np.float64))
        deltas[k, inner] = moved
    return neutral, deltas


def _behind_lips(
    template: Template, mouth: RigidMouth, neutral: Float32Array, deltas: Float32Array
) -> Alignment:
    """Where the person has the template's teeth: as the fit left them, but behind the lips."""
    v, teeth = template.vertices.astype(np.float64), template.regions["teeth"]
    place = fit_alignment(v[teeth], neutral[teeth], "similarity")
    hung = np.zeros((2, len(v)), np.bool_)
    on_jaw = mouth.on_jaw > 0.5
    hung[0, mouth.inner[~on_jaw]] = hung[1, mouth.inner[on_jaw]] = True
    back = setback_m(
        template, (teeth & hung[0], teeth & hung[1]), mouth.swings, place, neutral, deltas
    )
    return replace(place, translation=place.translation - back * place.rotation[:, 2])


def _inner(template: Template) -> tuple[Int64Array, Int64Array]:
    """Vertices of teeth, gums and tongue, and the connected part of each."""
    count, faces = len(template.vertices), template.triangles
    ends = (np.append(faces[:, 0], faces[:, 0]), np.append(faces[:, 1], faces[:, 2]))
    graph = coo_array((np.ones(len(ends[0])), ends), shape=(count, count))
    part = connected_components(graph, directed=False)[1]
    regions = template.regions
    with_skin = np.isin(part, np.unique(part[regions["skin"] | regions["eyes"]]))
    inner = (regions["tongue"] | regions["mouthCavity"]) & ~with_skin | regions["teeth"]
    return np.flatnonzero(inner), part[inner].astype(np.int64)


def _person_swing(
    mouth: RigidMouth, place: Alignment, k: int, v: Float64Array, delta: Float64Array,
    neutral: Float32Array, own: Float32Array,
) -> tuple[Alignment, float]:  # fmt: skip
    """The jaw's motion of the person in shape k, and how much farther than the template's."""
    usual, chin = mouth.swings[k], mouth.chin
    back = place.rotation.T
    turn = place.rotation @ usual.rotation @ back
    shift = place.scale * place.rotation @ usual.translation + place.translation
    swing = Alignment(turn, shift - turn @ place.translation)
    at = neutral[chin].astype(np.float64)
    # Skin slides a little on bone; as much of it as the template's is not the jaw's doing.
    slide = place.vectors(delta[chin] - (usual.points(v[chin]) - v[chin]))
    wanted = own[chin] - slide
    ratio = _ratio(wanted, swing.points(at) - at, mouth.chin_weight)
    twist = np.eye(4)
    twist[:3, :3], twist[:3, 3] = swing.rotation, swing.translation
    part = expm(ratio * np.real(logm(twist)))
    scaled = Alignment(part[:3, :3], part[:3, 3])
    if not len(chin):
        return scaled, ratio
    left = np.average(wanted - (scaled.points(at) - at), axis=0, weights=mouth.chin_weight)
    return Alignment(scaled.rotation, scaled.translation + left), ratio


def _ratio(found: Float64Array, usual: Float64Array, weight: Float64Array) -> float:
    """How many times `usual` (N, 3) is in `found`; 1 where there is nothing to compare."""
    whole = float(np.sum(weight[:, None] * usual * usual))
    if whole <= 0:
        return 1.0
    low, high = _RATIO
    return min(max(float(np.sum(weight[:, None] * found * usual)) / whole, low), high)
