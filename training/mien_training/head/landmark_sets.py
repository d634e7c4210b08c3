"""Named sets of the tracker's 478 points: MediaPipe's face mesh topology, and ten on the irises.

Indices into the second last axis of landmark arrays (478, 2 or 3). Left and right are the
character's own. Those that the runtime reads too are in `mien.tracker.landmark_sets`.
"""

from __future__ import annotations

from typing import Final

from mien.tracker.landmark_sets import EYE_CORNERS, LANDMARK_COUNT

__all__ = [
    "BROWS", "BROW_POINTS", "EYE_CORNERS", "FACE_OVAL", "INNER_LIPS", "INNER_LIP_PAIRS",
    "INNER_LIP_RIM", "IRISES", "LANDMARK_COUNT", "LID_OUTLINES", "LID_PAIRS",
    "LID_POINTS", "LIP_POINTS", "LOWER_LIDS", "NOSE_BASE", "NOSE_BRIDGE", "OUTER_LIPS",
    "SKIN_LANDMARK_COUNT", "UPPER_LIDS",
]  # fmt: skip

SKIN_LANDMARK_COUNT: Final = 468
"""The first ones lie on skin; the others on the irises."""

FACE_OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Outline of the face: hairline, ears, under the chin."""

OUTER_LIPS: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375,
                     291, 409, 270, 269, 267, 0, 37, 39, 40, 185)  # fmt: skip
"""Outline of the lips, from the right corner along the lower lip."""
INNER_LIPS: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324,
                     308, 415, 310, 311, 312, 13, 82, 81, 80, 191)  # fmt: skip
"""Rims of the lips, likewise; 78 and 308 are the corners."""
LIP_POINTS: Final = OUTER_LIPS + INNER_LIPS
INNER_LIP_RIM: Final = tuple(i for i in INNER_LIPS if i not in (78, 308))
"""Rims without the corners: between closed lips a pixel does not tell upper from lower."""
INNER_LIP_PAIRS: Final = (
    (13, 14), (82, 87), (81, 178), (80, 88), (312, 317), (311, 402), (310, 318),
)  # fmt: skip
"""Points on the rims of the upper and the lower lip, above each other."""

UPPER_LIDS: Final = (
    (263, 466, 388, 387, 386, 385, 384, 398, 362),
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
)
"""Rims of the left and of the right upper lid, from the outer corner of the eye to the inner."""
LOWER_LIDS: Final = (
    (263, 249, 390, 373, 374, 380, 381, 382, 362),
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
)
"""Rims of the lower lids, likewise."""
LID_OUTLINES: Final = tuple(
    lower + upper[-2:0:-1] for lower, upper in zip(LOWER_LIDS, UPPER_LIDS, strict=True)
)
"""Outlines of the left and of the right eye: the lower rim, and back along the upper."""
LID_POINTS: Final = LID_OUTLINES[0] + LID_OUTLINES[1]
LID_PAIRS: Final = {
    "Left": ((386, 374), (385, 380), (387, 373)),
    "Right": ((159, 145), (158, 153), (160, 144)),
}
"""Side -> points on the rims of the upper and the lower lid, above each other; the middle first."""

BROWS: Final = (
    (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
    (46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
)
"""Outlines of the left and of the right brow."""
BROW_POINTS: Final = tuple(i for brow in BROWS for i in brow[:5] + brow[:4:-1])
"""Lower edges, then upper edges, each from the temple to the nose; left before right."""

NOSE_BRIDGE: Final = (168, 6, 197, 195, 5, 4, 1, 19, 94, 2)
NOSE_BASE: Final = (98, 97, 2, 326, 327)
IRISES: Final = ((474, 475, 476, 477), (469, 470, 471, 472))
"""Rims of the left and of the right iris."""
