"""What points along rays have around them: four posed anchors, and how much of them is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.avatar.volume.volume_model import VolumeModel

__all__ = ["Nearby", "PosedAnchors"]

Float32Array = NDArray[np.float32]
_CELLS = 32


@dataclass(frozen=True, eq=False)
class Nearby:
    """Of R rays with S points each."""

    index: NDArray[np.int32]
    """(R, S, 4) anchors."""
    offsets: Float32Array
    """(R, S, 4, 3) of the point in each anchor's frame, metres."""
    shares: Float32Array
    """(R, S, 4) by inverse distance, sum 1."""
    heights: Float32Array
    """(R, S) above the skin, metres, negative below it."""
    presence: Float32Array
    """(R, S) 0..1, what density is multiplied by: 0 far from the head."""


class PosedAnchors:
    """The anchors where an expression has them. Raises MissingExtraError without the extra."""

    def __init__(self, model: VolumeModel, vertices: Float32Array) -> None:
        """On a mesh (V, 3), metres."""
        from mien.avatar.warp_start import wp

        poses = model.pose(vertices)
        self._model, self._wp = model, wp

        def kept(values: NDArray[np.float64], dtype: object) -> object:
            array = np.ascontiguousarray(values, np.float32)
            return wp.array(array, dtype=dtype, device="cpu")

        self._places = kept(poses.positions, wp.vec3)
        self._frames = kept(poses.rotations, wp.mat33)
        self._lift = wp.array(model.lift_m, dtype=float, device="cpu")
        self._grid = wp.HashGrid(_CELLS, _CELLS, _CELLS, device="cpu")
        self._grid.build(self._places, model.reach_m)

    def nearby(self, origin: Float32Array, directions: Float32Array, t: Float32Array) -> Nearby:
        """Of points t (R, S) along rays from origin (3,) in directions (R, 3), metres."""
        from mien.avatar.volume.nearest_kernels import nearby_kernel

        wp, model = self._wp, self._model
        shape = t.shape
        found = Nearby(
            np.empty((*shape, 4), np.int32), np.empty((*shape, 4, 3), np.float32),
            np.empty((*shape, 4), np.float32), np.empty(shape, np.float32),
            np.empty(shape, np.float32),
        )  # fmt: skip

        def shared(array: NDArray[np.float32] | NDArray[np.int32], dtype: object) -> object:
            return wp.array(array, dtype=dtype, device="cpu", copy=False)

        wp.launch(
            nearby_kernel, shape,
            [self._grid.id, self._places, self._frames, self._lift, wp.vec3(*origin.tolist()),
             shared(np.ascontiguousarray(directions), wp.vec3),
             shared(np.ascontiguousarray(t), float), 0.5 * model.reach_m, model.reach_m,
             model.fade_m, shared(found.index, int), shared(found.offsets, wp.vec3),
             shared(found.shares, float), shared(found.heights, float),
             shared(found.presence, float)],
            device="cpu",
        )  # fmt: skip
        return found
