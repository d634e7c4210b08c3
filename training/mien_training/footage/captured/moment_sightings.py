"""What the cameras saw of one moment, beside where its mesh is."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["MomentSightings"]


@dataclass(frozen=True, eq=False)
class MomentSightings:
    """N sightings, as `CameraResiduals` has them."""

    camera: NDArray[np.int32]
    """(N,) index of the camera."""
    vertex: NDArray[np.int32]
    """(N,) of the template."""
    pixel: NDArray[np.float32]
    """(N, 2) of the camera's picture, where it sees the vertex."""
    point: NDArray[np.float32]
    """(N, 3) where the mesh has it, world, metres."""
    certainty: NDArray[np.float32]
    """(N,) 0..1."""

    def __post_init__(self) -> None:
        count = len(self.camera)
        shapes = {"vertex": (count,), "pixel": (count, 2), "point": (count, 3),
                  "certainty": (count,)}  # fmt: skip
        for name, shape in shapes.items():
            found = getattr(self, name)
            if found.shape != shape:
                raise InputError(f"MomentSightings.{name}: shape {found.shape}, expected {shape}")
            if not np.isfinite(found).all():
                raise InputError(f"MomentSightings.{name}: expected finite numbers")

    @classmethod
    def none(cls) -> MomentSightings:
        """Nothing was seen."""
        return cls(
            np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros((0, 2), np.float32),
            np.zeros((0, 3), np.float32), np.zeros(0, np.float32),
        )  # fmt: skip

    @classmethod
    def join(cls, moments: list[MomentSightings]) -> MomentSightings:
        """One after the other."""
        return cls(
            *(np.concatenate([getattr(m, f.name) for m in (cls.none(), *moments)])
              for f in fields(cls))
        )  # fmt: skip

    def between(self, first: int, last: int) -> MomentSightings:
        """Sightings first..last - 1."""
        return MomentSightings(*(getattr(self, f.name)[first:last] for f in fields(self)))
