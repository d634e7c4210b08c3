"""Where a film's frames were cut from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien_training.footage.face_crop import FaceCrop

__all__ = ["FilmCrop"]


@dataclass(frozen=True, eq=False)
class FilmCrop:
    """Where some of a film's frames were cut from."""

    source: Path
    crop: FaceCrop
    frames: NDArray[np.int64]
    """(F,) indices in the source."""
    rows: NDArray[np.int64]
    """(F,) which frames of the film they are."""
