"""Gaussians on anchors, and the linear maps that change them: coefficients and mesh -> splats.

With c coefficients (D,), the changes of the anchors are sum_d c_d maps_d. A Gaussian on the skin
takes the first 13 of its anchor's, one lifted off it (hair) only its colour, the last 3. In the
anchor's frame (columns along u, up, outwards) R with scale s, and spacing h:

    mean      anchor + s R (h place + (0, 0, lift))
    rotation  R (turn, 1) / |(turn, 1)|
    scales    s h exp(clip(size, -5, 3))
    opacity, colour   logistic of theirs
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.avatar.anchors import AnchorPoses, Anchors, pose_anchors
from mien.avatar.splats import Splats
from mien.errors import InputError

__all__ = ["CHANGES", "PARAMETERS", "SIZE_LOG_RANGE", "SplatModel"]

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]

PARAMETERS = 13
"""Of a Gaussian: place 3, turn 3, log size 3, opacity 1, colour 3, before activation."""
CHANGES = 16
"""Of an anchor: those 13, and the colour, 3, of what is lifted off it."""
SIZE_LOG_RANGE = (-5.0, 3.0)
_STEEPEST = np.float32(80)
"""Logits beyond it: their logistic is 0 or 1 in single precision."""


@dataclass(frozen=True, eq=False)
class SplatModel:
    """G Gaussians on N anchors with D maps.

    Raises InputError for arrays that do not fit each other or are not finite.
    """

    anchors: Anchors
    anchor: Int32Array
    """(G,) which anchor each hangs on; several may share one."""
    lift_m: Float32Array
    """(G,) off the surface along its normal, metres at rest; 0: on the skin."""
    spacing_m: Float32Array
    """(G,) metres from one anchor to the next there, at rest: the unit of place and size."""
    static: Float32Array
    """(G, PARAMETERS)"""
    maps: Float32Array
    """(D, N, CHANGES)"""

    def __post_init__(self) -> None:
        for name in ("lift_m", "spacing_m", "static", "maps"):
            array = np.ascontiguousarray(getattr(self, name), np.float32)
            if not np.isfinite(array).all():
                raise InputError(f"SplatModel: {name} must be finite")
            object.__setattr__(self, name, array)
        anchor = np.asarray(self.anchor)
        if anchor.dtype.kind not in "iu":
            raise InputError(f"SplatModel: anchor is {anchor.dtype}, expected integers")
        count, anchors = len(anchor), len(self.anchors.texel)
        shapes = {
            "anchor": (anchor.shape, (count,)), "lift_m": (self.lift_m.shape, (count,)),
            "spacing_m": (self.spacing_m.shape, (count,)),
            "static": (self.static.shape, (count, PARAMETERS)),
            "maps": (self.maps.shape, (*self.maps.shape[:1], anchors, CHANGES)),
        }  # fmt: skip
        for name, (found, expected) in shapes.items():
            if found != expected or not count:
                raise InputError(f"SplatModel: {name} {found}, expected {expected}")
        if not 0 <= int(anchor.min()) <= int(anchor.max()) < anchors:
            raise InputError(
                f"SplatModel: anchor holds {anchor.min()} to {anchor.max()}, expected 0 to "
                f"{anchors - 1}"
            )
        if self.lift_m.min() < 0 or self.spacing_m.min() <= 0:
            raise InputError(
                f"SplatModel: lift_m from {self.lift_m.min():g}, spacing_m from "
                f"{self.spacing_m.min():g}, expected 0 or more, and above 0"
            )
        object.__setattr__(self, "anchor", anchor.astype(np.int32))

    def __len__(self) -> int:
        return len(self.anchor)

    def parameters(self, coefficients: ArrayLike) -> Float32Array:
        """(G, PARAMETERS) under coefficients (D,). Raises InputError for others."""
        c = np.asarray(coefficients, np.float32)
        if c.shape != self.maps.shape[:1] or not np.isfinite(c).all():
            raise InputError(
                f"avatar: coefficients of shape {c.shape}, expected ({len(self.maps)},), finite"
            )
        changes = (c @ self.maps.reshape(len(c), -1)).reshape(-1, CHANGES)
        skin, lifted = self._parts
        found = self.static.copy()
        found[skin] += changes[self.anchor[skin], :PARAMETERS]
        found[lifted, 10:] += changes[self.anchor[lifted], PARAMETERS:]
        return found

    def posed(self, vertices: ArrayLike, coefficients: ArrayLike) -> Splats:
        """The Gaussians on a mesh with vertices (V, 3), metres, in the space of these."""
        return self.placed(pose_anchors(self.anchors, vertices), self.parameters(coefficients))

    def placed(self, poses: AnchorPoses, parameters: Float32Array) -> Splats:
        """The Gaussians at anchors' poses, with parameters (G, PARAMETERS)."""
        p, at = parameters, self.anchor
        grown = poses.scales.astype(np.float32)[at, None]
        frames = poses.rotations.astype(np.float32)[at]
        local = p[:, :3] * self.spacing_m[:, None]
        local[:, 2] += self.lift_m
        local *= grown
        means = poses.positions.astype(np.float32)[at]
        means += (frames * local[:, None]).sum(2)
        turn = np.ones((len(p), 4), np.float32)
        turn[:, :3] = p[:, 3:6]
        turn /= np.sqrt((turn * turn).sum(1, keepdims=True))
        rotations = _product(poses.quaternions.astype(np.float32)[at], turn)
        scales = np.exp(np.clip(p[:, 6:9], *SIZE_LOG_RANGE))
        scales *= grown * self.spacing_m[:, None]
        codes = _logistic(p[:, 9:])
        return Splats(means, rotations, scales, codes[:, 0], codes[:, 1:])

    @cached_property
    def _parts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which Gaussians lie on the skin, and which are lifted."""
        on_skin = self.lift_m == 0
        return np.flatnonzero(on_skin), np.flatnonzero(~on_skin)


def _logistic(x: Float32Array) -> Float32Array:
    return np.asarray(1 / (1 + np.exp(np.clip(-x, -_STEEPEST, _STEEPEST))), np.float32)


def _product(a: Float32Array, b: Float32Array) -> Float32Array:
    """(G, 4) quaternions xyzw: first b's rotation, then a's."""
    ax, ay, az, aw = a.T
    bx, by, bz, bw = b.T
    return np.stack(
        [
            aw * bx + bw * ax + ay * bz - az * by, aw * by + bw * ay + az * bx - ax * bz,
            aw * bz + bw * az + ax * by - ay * bx, aw * bw - ax * bx - ay * by - az * bz,
        ], 1,
    )  # fmt: skip
