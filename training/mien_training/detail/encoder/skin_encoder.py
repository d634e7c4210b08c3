"""A U-Net on the face atlas: what images say, and the linear fit of it -> heights of all parts.

HiFace (Chai et al. 2023, section 3.2) regresses coefficients from one photograph. Here the rig is
known, so images lie on the atlas already, any number of them, and the network learns what the
linear fit cannot know: that young skin has next to nothing, that folds are creases and not waves,
what a pattern of colour looks like that shading would explain too.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mien.errors import InputError
from mien_training.detail.encoder.evidence_maps import CHANNELS, HEIGHT_UNIT_M, evidence_maps
from mien_training.detail.fit.linear_fit import DetailModel
from mien_training.detail.fit.photometric_detail import ShadingEvidence
from mien_training.networks.unet import UNet
from mien_training.runs.cache import read_arrays, write_arrays

__all__ = ["SkinEncoder", "default_encoder"]


class SkinEncoder(UNet):
    """Evidence (B, CHANNELS, S, S) -> heights (B, 3, S, S), S a multiple of 2^(levels - 1)."""

    def __init__(self, size: int = 256, widths: tuple[int, ...] = (16, 32, 48, 64, 96)) -> None:
        """`size`: side of the atlas that it learns with, texels; `widths`: channels of each level,
        the finest first, multiples of 8. Until it has learnt anything it gives back the fit."""
        super().__init__(CHANNELS, 6, widths)
        self.size = size

    def forward(self, evidence: Tensor) -> Tensor:
        """Heights in units of HEIGHT_UNIT_M: of the fit as much as is believed, and what it lacks,
        in parts of what people differ by."""
        belief, more = super().forward(evidence).chunk(2, 1)
        fit, spread = evidence[:, :3], evidence[:, -5:-2]
        found: Tensor = 2 * torch.sigmoid(belief) * fit + more * spread
        return found

    @torch.no_grad()
    def heights(
        self, seen: ShadingEvidence, press: Tensor, pull: Tensor, fitted: Tensor, model: DetailModel
    ) -> Tensor:
        """(3, S, S) metres, of what `fit_detail` took and found."""
        maps = evidence_maps(seen, press, pull, fitted, model)
        found: Tensor = HEIGHT_UNIT_M * self(maps[None])[0]
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """One .npz of 16-bit floats."""
        arrays = {name: v.detach().cpu().numpy().astype(np.float16)
                  for name, v in self.state_dict().items()}  # fmt: skip
        write_arrays(
            Path(path), {"size": np.array(self.size), "widths": np.array(self.widths), **arrays}
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SkinEncoder:
        """Raises InputError, naming the file, for one that is missing, damaged or foreign."""
        arrays = read_arrays(Path(path))
        try:
            net = cls(int(arrays.pop("size")), tuple(int(w) for w in arrays.pop("widths")))
            net.load_state_dict({n: torch.from_numpy(a).float() for n, a in arrays.items()})
        except (KeyError, RuntimeError, ValueError, TypeError):
            raise InputError(f"{path}: not a skin encoder of this version") from None
        return net.eval()


@cache
def default_encoder() -> SkinEncoder:
    """The encoder that comes with mien: `mien train detail-encoder` with its defaults."""
    return SkinEncoder.load(str(files("mien_training.detail.encoder") / "default_encoder.npz"))
