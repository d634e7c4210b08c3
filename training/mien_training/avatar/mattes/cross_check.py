"""A net's mattes beside those of a still camera: what they agree on, and what neither may claim.

The net tells partly covered pixels better; what other frames saw behind the head is evidence that
no training can replace. So the plate corrects where it surely sees background, and where the two
contradict each other nothing is claimed.
"""

from __future__ import annotations

import numpy as np

from mien_training.avatar.mattes.net_mattes import NetMattes
from mien_training.avatar.mattes.plate import PlateMattes

__all__ = ["cross_checked"]

_LITTLE, _MUCH = 0.1, 0.9
"""Alpha that says background, and that says head."""


def cross_checked(net: NetMattes, plate: PlateMattes) -> NetMattes:
    """The net's mattes of the frames that the plate is of."""
    ours, theirs = net.alpha / 255.0, plate.alpha / 255.0
    behind = plate.known & (theirs < _LITTLE)
    # Changed pixels that are called background may be hair longer than any that was learnt, still
    # ones that are called head may be of the wall's colour.
    torn = plate.known & (((ours < _LITTLE) & (theirs > _MUCH)) | ((ours > _MUCH) & behind))
    agreed = behind & ~torn
    alpha = np.where(agreed, 0, net.alpha).astype(np.uint8)
    return NetMattes(alpha, np.asarray((net.known | agreed) & ~torn))
