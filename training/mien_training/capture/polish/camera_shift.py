"""How far each picture is moved against what the others show."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien_training.capture.polish.consensus import Consensus
from mien_training.capture.polish.picture_levels import PlaceColours

__all__ = ["camera_shifts", "outstanding_camera"]

_RIDGE = 1e-6
_LEAST, _CLEARLY = 4, 2.0


def camera_shifts(shown: PlaceColours, found: Consensus, seen: Tensor) -> NDArray[np.float64]:
    """(N, 2) pixels of the crop by which a whole picture should be moved to agree with the others
    (Lucas and Kanade 1981, "An Iterative Image Registration Technique", section 4); linear, so
    large shifts come out too small. seen (N, P): how well each place is seen; one that does not fit
    keeps more of its say than it has in `found`, for in a picture that is moved few do."""
    weight = (seen * found.weight).sqrt()[:, None, :, None]
    slope = shown.across
    left = torch.einsum("nxpi,nxpj->nij", weight * slope, slope)
    right = torch.einsum("nxpi,nxp->ni", weight * slope, found.residual)
    size = left.diagonal(dim1=1, dim2=2).sum(1).clamp_min(1e-12)
    left = left + _RIDGE * size[:, None, None] * torch.eye(2)
    return np.asarray(torch.linalg.solve(left, -right[..., None])[..., 0].double().numpy())


def outstanding_camera(shifts: NDArray[np.float64], most_px: float) -> int | None:
    """Of (N, 2) shifts, the picture that is moved most, if it is by more than `most_px` and clearly
    more than the others: a wrong mesh moves all of them. None of fewer than four: the others do not
    tell which."""
    size = np.linalg.norm(shifts, axis=1)
    worst = int(size.argmax()) if len(size) else 0
    if len(size) < _LEAST or size[worst] <= max(most_px, _CLEARLY * float(np.median(size))):
        return None
    return worst
