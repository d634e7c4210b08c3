"""Everything a session remembers, as one immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.filters import NeutralEstimator, OneEuroState

if TYPE_CHECKING:
    from mien.animator import AnimatorState

__all__ = ["SessionState"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SessionState:
    """Everything a session remembers."""

    time_s: float | None
    """Time of the last step; None before the first."""
    seen_s: float | None
    """Time of the last step that saw a face."""
    animator: AnimatorState
    calibration: NeutralEstimator | None
    """None: features come relative to their neutral."""
    smoothing: OneEuroState | None
    channels: Float32Array
    """(C,) values when the face was last seen."""
    head_rotation_xyzw: Float32Array
    """(4,) likewise."""
    head_translation_m: Float32Array
    """(3,) likewise."""
    confidence: float
    """Likewise."""
