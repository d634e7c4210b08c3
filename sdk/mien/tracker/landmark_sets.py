"""Sets of the tracker's 478 points that the runtime reads: MediaPipe's face mesh topology.

Indices into the second last axis of landmark arrays (478, 2 or 3). Left and right are the
person's own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLENDSHAPE_POINTS", "EYE_CORNERS", "LANDMARK_COUNT", "POSE_POINTS", "RIGID_POINTS"]

LANDMARK_COUNT: Final = 478

EYE_CORNERS: Final = {"Left": (362, 263), "Right": (33, 133)}
"""Side -> corners of the eye, in the order of the image's x."""

RIGID_POINTS: NDArray[np.int64] = np.array(
    [10, 67, 297, 54, 284, 162, 389, 127, 356, 234, 454, 33, 263, 133, 362, 168, 6, 197, 195, 5]
)
"""(20,) hairline, temples, cheekbones, corners of the eyes, bridge of the nose."""

POSE_POINTS: NDArray[np.int64] = np.array(
    [
        10, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389, 127, 356, 234, 454, 93, 323,
        33, 263, 133, 362, 168, 6, 197, 195, 5, 4, 1, 122, 351, 196, 419, 3, 248, 51, 281, 45, 275,
        116, 345, 117, 346, 123, 352, 143, 372, 34, 264, 227, 447, 137, 366,
    ]
)  # fmt: skip
"""(54,) the rigid points and their neighbours on nose, cheekbones and temples."""

BLENDSHAPE_POINTS: NDArray[np.int64] = np.array(
    [
        0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63,
        65, 66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133,
        136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163,
        168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270,
        276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317,
        318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379,
        380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454,
        466, *range(468, 478),
    ]
)  # fmt: skip
"""(146,) the landmarks that the score net reads, in its order (MediaPipe's own choice)."""
