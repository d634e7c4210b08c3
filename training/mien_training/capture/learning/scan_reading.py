"""What the net has read of a moment, and the scan of it that later stages learn from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.runs.cache import read_arrays, write_arrays

__all__ = ["FaceSight", "ScanReading"]


@dataclass(frozen=True, eq=False)
class FaceSight:
    """R lines of sight, head space, on which the tracker has points of lids and lips."""

    origins: NDArray[np.float32]
    """(R, 3) metres."""
    directions: NDArray[np.float32]
    """(R, 3) unit."""
    corners: NDArray[np.int64]
    """(R, 3) vertices of the triangle that each point lies on."""
    shares: NDArray[np.float32]
    """(R, 3) of these."""
    certainty: NDArray[np.float32]
    """(R,) 0..1."""

    @classmethod
    def none(cls) -> FaceSight:
        """Of no lines."""
        three, one = np.zeros((0, 3), np.float32), np.zeros(0, np.float32)
        return cls(three, three, np.zeros((0, 3), np.int64), three, one)


@dataclass(frozen=True, eq=False)
class ScanReading:
    """One moment, in the head's own frame: rig space of the first mesh's pose."""

    reading: MomentReading
    """Before the linear step; its truth is the registration, empty where there is none."""
    points: NDArray[np.float32]
    """(N, 3) of the scan, metres: those that pictures show to be skin."""
    normals: NDArray[np.float32]
    """(N, 3) unit, outwards; zeros where they are not known."""
    places: NDArray[np.float32]
    """(K, 3) where the net that is tuned has the skin, metres."""
    sight: FaceSight
    """Lids and lips."""

    @property
    def reference(self) -> NDArray[np.float32] | None:
        """(V, 3) the registration, metres."""
        return self.reading.truth if len(self.reading.truth) else None

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        own = {name: getattr(self, name) for name in _OWN}
        read = {f"reading/{f.name}": getattr(self.reading, f.name) for f in fields(MomentReading)}
        sight = {f"sight/{f.name}": getattr(self.sight, f.name) for f in fields(FaceSight)}
        write_arrays(path, {**own, **read, **sight})

    @classmethod
    def read(cls, path: Path) -> ScanReading:
        """Raises InputError for a file that is missing or damaged."""
        arrays = read_arrays(path)
        reading = MomentReading(
            **{f.name: arrays[f"reading/{f.name}"] for f in fields(MomentReading)}
        )
        sight = FaceSight(**{f.name: arrays[f"sight/{f.name}"] for f in fields(FaceSight)})
        return cls(reading, **{name: arrays[name] for name in _OWN}, sight=sight)


_OWN = ("points", "normals", "places")
