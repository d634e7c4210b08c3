"""What any number of images say about relief, as one stack of maps on the face atlas.

The fit's normal equations, texel by texel, where the fit ended: what is left to explain, projected
back on each part (its gradient), and how surely (its curvature). Learnt steps of such maps solve
inverse problems whose prior is not Gaussian (Adler and Oktem 2017). Sums over images: neither their
number nor their order matters, and one code of a person holds for all of their images.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.detail.fit.linear_fit import DetailModel
from mien_training.detail.fit.photometric_detail import ShadingEvidence

__all__ = ["CHANNELS", "HEIGHT_UNIT_M", "evidence_maps"]

HEIGHT_UNIT_M = 1e-4
"""Heights are given, and found, in tenths of a millimetre."""
CHANNELS = 31
_ONE_IMAGE = 0.3
"""Evidence, in images, that halves what is believed of a texel."""
_FINE = 5.0
"""Log luminance is given in fifths."""
_MOST = 8.0
"""In near darkness shading answers to slopes without bounds."""


def evidence_maps(
    seen: ShadingEvidence, press: Tensor, pull: Tensor, heights: Tensor, model: DetailModel
) -> Tensor:
    """(CHANNELS, S, S) of E images at gates (E, S, S), fitted by heights (3, S, S)."""
    known = seen.known
    gates = torch.stack([torch.ones_like(press), press, pull])  # (3, E, S, S)
    left = seen.observed - seen.shaded(heights, press, pull)
    total = known.sum(0) + _ONE_IMAGE
    own = (known * left).sum(0) / total
    rest = left - own
    pull_back = torch.einsum("exy,kexy,edxy->kdxy", known * rest, gates, seen.response) / total
    curvature = torch.einsum(
        "exy,kexy,edxy->kdxy", known, gates.square(), seen.response.square()
    ).sqrt()
    # What a fold's shadow does, whichever way the light falls.
    darker = torch.einsum("exy,kexy->kxy", known * rest, gates[1:]) / total
    gated = torch.einsum("exy,kexy->kxy", known, gates)
    first = (known * seen.observed).sum(0) / total
    wrong = ((known * rest.square()).sum(0) / total).sqrt()
    side = heights.shape[-1]
    at = (torch.arange(side) + 0.5) / side * 2 - 1
    places = torch.stack(torch.meshgrid(at, at, indexing="ij"))
    return torch.cat([
        heights / HEIGHT_UNIT_M,
        (_FINE * pull_back.flatten(0, 1)).clamp(-_MOST, _MOST),
        curvature.flatten(0, 1).log1p(),
        _FINE * darker,
        gated.log1p(),
        _FINE * torch.stack([own, first, wrong]),
        model.mean / HEIGHT_UNIT_M,
        model.spread / HEIGHT_UNIT_M,
        places,
    ])  # fmt: skip
