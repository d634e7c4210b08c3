"""A picture of a posed volume: the coarse field tells where to look again, the other is shown.

As training does it, without its randomness: samples lie in the middles of their parts.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.avatar.volume.nearby import Nearby, PosedAnchors
from mien.avatar.volume.quadrature import cell_lengths, even_samples, gather, weighted_samples
from mien.avatar.volume.shell_rays import Rays

__all__ = ["Fields", "march"]

Float32Array = NDArray[np.float32]
_RAYS = 128
"""At once: what a processor's cache holds of them."""


class Fields(Protocol):
    """The networks, of P samples: offsets (P, 4, 3), features (P, 4, W), shares (P, 4), heights
    and presence (P,)."""

    def coarse(
        self, offsets: Float32Array, features: Float32Array, shares: Float32Array,
        heights: Float32Array, presence: Float32Array,
    ) -> Float32Array:  # fmt: skip
        """(P,) density, per metre."""

    def field(
        self, offsets: Float32Array, features: Float32Array, shares: Float32Array,
        heights: Float32Array, presence: Float32Array, view: Float32Array,
    ) -> tuple[Float32Array, Float32Array]:  # fmt: skip
        """(P,) density, per metre, and (P, 3) colour, display codes 0..1; view (P, 3): unit."""


def march(
    fields: Fields, tables: tuple[Float32Array, Float32Array], anchors: PosedAnchors, rays: Rays,
    samples: tuple[int, int],
) -> Float32Array:  # fmt: skip
    """(R, 4) premultiplied display codes 0..1, and coverage.

    tables: features (N, W) of the coarse field and of the one that is shown. samples: along a ray,
    and further ones.
    """
    found: Float32Array = np.zeros((len(rays), 4), np.float32)
    for begin in range(0, len(rays), _RAYS):
        part = slice(begin, begin + _RAYS)
        near, far, directions = rays.near[part], rays.far[part], rays.directions[part]
        t = even_samples(near, far, samples[0])
        lengths = cell_lengths(t, near, far)
        around = anchors.nearby(rays.origin, directions, t)
        weights = gather(_coarse(fields, tables[0], around), lengths)
        more = weighted_samples(near, lengths, weights, samples[1])
        seen = [
            _shown(fields, tables[1], each, directions)
            for each in (around, anchors.nearby(rays.origin, directions, more))
        ]
        density, colour = (np.concatenate(each, 1) for each in zip(*seen, strict=True))
        t = np.concatenate([t, more], 1)
        order = np.argsort(t, 1, kind="stable")
        t, density = (np.take_along_axis(a, order, 1) for a in (t, density))
        weights = gather(density, cell_lengths(t, near, far))
        colour = np.take_along_axis(colour, order[..., None], 1)
        found[part, :3] = np.einsum("rn,rnc->rc", weights, colour)
        found[part, 3] = weights.sum(1)
    return found


def _inside(
    table: Float32Array, around: Nearby
) -> tuple[NDArray[np.intp], tuple[Float32Array, ...]]:
    """Which of the R S samples have something near, and what the fields are told of them."""
    chosen = np.flatnonzero(around.presence > 0)
    features = table[around.index.reshape(-1, 4)[chosen]]
    return chosen, (
        around.offsets.reshape(-1, 4, 3)[chosen], features, around.shares.reshape(-1, 4)[chosen],
        around.heights.ravel()[chosen], around.presence.ravel()[chosen],
    )  # fmt: skip


def _coarse(fields: Fields, table: Float32Array, around: Nearby) -> Float32Array:
    chosen, told = _inside(table, around)
    density: Float32Array = np.zeros(around.presence.size, np.float32)
    if len(chosen):
        density[chosen] = fields.coarse(*told)
    return density.reshape(around.presence.shape)


def _shown(
    fields: Fields, table: Float32Array, around: Nearby, directions: Float32Array
) -> tuple[Float32Array, Float32Array]:
    chosen, told = _inside(table, around)
    density: Float32Array = np.zeros(around.presence.size, np.float32)
    colour: Float32Array = np.zeros((around.presence.size, 3), np.float32)
    if len(chosen):
        view = directions[chosen // around.presence.shape[1]]
        density[chosen], colour[chosen] = fields.field(*told, view)
    shape = around.presence.shape
    return density.reshape(shape), colour.reshape(*shape, 3)
