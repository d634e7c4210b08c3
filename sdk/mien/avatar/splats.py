"""A cloud of Gaussians in space, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["Splats"]

Float32Array = NDArray[np.float32]

_WIDTHS = {"means": (3,), "rotations": (4,), "scales": (3,), "opacities": (), "colours": (3,)}


@dataclass(frozen=True, eq=False)
class Splats:
    """N Gaussians in one space, right-handed, metres.

    Arrays become float32, contiguous. Raises InputError for shapes that do not fit together,
    values that are not finite, negative scales, and opacities outside 0..1.

    >>> import numpy as np
    >>> one = Splats(
    ...     means=np.zeros((1, 3)), rotations=np.array([[0, 0, 0, 1]]),
    ...     scales=np.full((1, 3), 0.01), opacities=np.ones(1), colours=np.ones((1, 3)),
    ... )
    >>> len(one)
    1
    """

    means: Float32Array
    """(N, 3) centres, metres."""
    rotations: Float32Array
    """(N, 4) quaternions xyzw, world_from_splat; any length, a zero means no rotation."""
    scales: Float32Array
    """(N, 3) standard deviations along the Gaussian's own axes, metres."""
    opacities: Float32Array
    """(N,) coverage at the centre, 0..1."""
    colours: Float32Array
    """(N, 3) sRGB display codes over 255; 0..1, yet more is not cut."""

    def __post_init__(self) -> None:
        for name, width in _WIDTHS.items():
            array = np.ascontiguousarray(getattr(self, name), np.float32)
            if array.shape != (len(self.means), *width):
                shape = ", ".join(["N", *map(str, width)])
                raise InputError(
                    f"Splats: {name} {array.shape}, expected ({shape}) with one N for all, "
                    f"here {len(self.means)}"
                )
            if not np.isfinite(array).all():
                raise InputError(f"Splats: {name} must be finite")
            object.__setattr__(self, name, array)
        if len(self) and self.scales.min() < 0:
            raise InputError(f"Splats: a scale of {self.scales.min()} m, expected 0 or more")
        if len(self) and not 0 <= self.opacities.min() <= self.opacities.max() <= 1:
            raise InputError(
                f"Splats: opacities {self.opacities.min()}..{self.opacities.max()}, expected 0..1"
            )

    def __len__(self) -> int:
        return len(self.means)
