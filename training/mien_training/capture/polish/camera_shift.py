"""How far each picture is moved against what the others show."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien_training.capture.polish.consensus import Consensus
from mien_training.capture.polish.picture_levels import PlaceColours

__all__ = ["camera_shifts"]

_RIDGE = 1e-6


def camera_shifts(shown: PlaceColours, found: Consensus, seen: Tensor) -> NDArray[np.float64]:
    """(N, 2) pixels of the crop by which a whole picture should be moved to agree with the others
    (Lucas and Kanade 1981, "An Iterative Image Registration Technique", section 4); linear, so
    large shifts come out too small. seen (N, P): all that a picture shows counts, whether it fits
    or not."""
    weight = seen[:, None, :, None]
    slope = shown.across
    left = torch.einsum("nxpi,nxpj->nij", weight * slope, slope)
    right = torch.einsum("nxpi,nxp->ni", weight * slope, found.residual)
    size = left.diagonal(dim1=1, dim2=2).sum(1).clamp_min(1e-12)
    left = left + _RIDGE * size[:, None, None] * torch.eye(2)
    return np.asarray(torch.linalg.solve(left, -right[..., None])[..., 0].double().numpy())
