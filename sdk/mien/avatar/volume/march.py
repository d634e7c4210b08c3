"""A picture of a posed volume: the coarse field tells where to look again, the other is shown.

As training does it, without its randomness: samples lie in the middles of their parts. Nothing is
asked behind what lets no light through, nor along rays on which the coarse field finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.avatar.volume.nearby import PosedAnchors
from mien.avatar.volume.quadrature import cell_lengths, even_samples, gather, weighted_samples
from mien.avatar.volume.shell_rays import Rays

__all__ = ["Fields", "march"]

Float32Array = NDArray[np.float32]
Told = tuple[Float32Array, Float32Array, Float32Array, Float32Array, Float32Array]
Ask = Callable[[Told, Float32Array], tuple[Float32Array, Float32Array]]
"""What fields are told of P samples, and the view (P, 3) -> density (P,) and colour (P, 3)."""
_RAYS = 1024
_SLAB = 4
"""Samples of a ray that are asked together."""
_SAMPLES = 1024
"""Of a run of a network: what a processor's cache likes."""
_DARK = 1e-3
"""Share of the light that counts for nothing: a quarter of a display code."""


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

    def coarse(told: Told, view: Float32Array) -> tuple[Float32Array, Float32Array]:
        return fields.coarse(*told), np.zeros((len(view), 3), np.float32)

    def field(told: Told, view: Float32Array) -> tuple[Float32Array, Float32Array]:
        return fields.field(*told, view)

    found: Float32Array = np.zeros((len(rays), 4), np.float32)
    for begin in range(0, len(rays), _RAYS):
        part = rays.only(slice(begin, begin + _RAYS))
        t = even_samples(part.near, part.far, samples[0])
        lengths = cell_lengths(t, part.near, part.far)
        weights, _ = _asked(coarse, tables[0], anchors, part, t, lengths)
        stopped = np.flatnonzero(weights.sum(1) > _DARK)
        part, weights, t, lengths = (
            part.only(stopped), weights[stopped], t[stopped], lengths[stopped]
        )  # fmt: skip
        more = weighted_samples(part.near, lengths, weights, samples[1])
        t = np.sort(np.concatenate([t, more], 1), 1)
        lengths = cell_lengths(t, part.near, part.far)
        weights, colour = _asked(field, tables[1], anchors, part, t, lengths)
        found[begin + stopped, :3] = np.einsum("rn,rnc->rc", weights, colour)
        found[begin + stopped, 3] = weights.sum(1)
    return found


def _asked(
    ask: Ask, table: Float32Array, anchors: PosedAnchors, rays: Rays, t: Float32Array,
    lengths: Float32Array,
) -> tuple[Float32Array, Float32Array]:  # fmt: skip
    """Weights (R, N) and colours (R, N, 3) of samples t (R, N), from the front to the back; 0
    behind what lets no light through."""
    density: Float32Array = np.zeros(t.shape, np.float32)
    colour: Float32Array = np.zeros((*t.shape, 3), np.float32)
    depth: Float32Array = np.zeros(len(t), np.float32)
    for begin in range(0, t.shape[1], _SLAB):
        slab = slice(begin, begin + _SLAB)
        lit = np.flatnonzero(depth < -np.log(_DARK))
        if not len(lit):
            break
        directions, at = rays.directions[lit], t[lit, slab]
        around = anchors.nearby(rays.origin, directions, at)
        inside = np.flatnonzero(around.presence > 0)
        thick: Float32Array = np.zeros(at.size, np.float32)
        seen: Float32Array = np.zeros((at.size, 3), np.float32)
        for first in range(0, len(inside), _SAMPLES):
            some = inside[first : first + _SAMPLES]
            told = (
                around.offsets.reshape(-1, 4, 3)[some],
                table[around.index.reshape(-1, 4)[some]],
                around.shares.reshape(-1, 4)[some], around.heights.ravel()[some],
                around.presence.ravel()[some],
            )  # fmt: skip
            thick[some], seen[some] = ask(told, directions[some // at.shape[1]])
        density[lit, slab] = thick.reshape(at.shape)
        colour[lit, slab] = seen.reshape(*at.shape, 3)
        depth[lit] += (density[lit, slab] * lengths[lit, slab]).sum(1)
    return gather(density, lengths), colour
