"""Neighbouring pixels with a contour between them, and how a contour blends them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["PixelPairs", "neighbours"]


@dataclass(frozen=True, eq=False)
class PixelPairs:
    """Pairs of pixel centres, side by side or one above the other; each at most once."""

    name: Tensor
    """(N,) twice the flat index of the left or upper pixel, plus 1 if the pair is upright."""
    near: Tensor
    """(N,) flat index of the pixel on the side of the surface that the contour bounds."""
    far: Tensor
    """(N,) flat index of the pixel on the other side."""
    reach: Tensor
    """(N,) how far the surface goes from the near centre to the far one, 0..1; has gradients."""
    weight: Tensor
    """(N,) squared component of the contour's normal along the pair: what the pair counts.

    Rows hand over to columns smoothly: with a switch at 45 degrees the samples end there, which
    costs several percent of the gradient.
    """

    def __add__(self, other: PixelPairs) -> PixelPairs:
        return PixelPairs(
            torch.cat([self.name, other.name]),
            torch.cat([self.near, other.near]),
            torch.cat([self.far, other.far]),
            torch.cat([self.reach, other.reach]),
            torch.cat([self.weight, other.weight]),
        )

    def free(self, axis: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """First and second pixel (M,) of the neighbours along an axis that are not among these."""
        first, second = neighbours(axis, size, self.name.device)
        taken = torch.zeros(2 * size[0] * size[1], dtype=torch.bool, device=first.device)
        taken[self.name] = True
        keep = ~taken[2 * first + axis]
        return first[keep], second[keep]

    def blend(self, flat: Tensor) -> Tensor:
        """(H * W, C): far pixels get some of the surface, or near ones some of what is behind."""
        difference = flat[self.near] - flat[self.far]
        excess = self.reach - 0.5  # how far the surface goes beyond the border of the near pixel
        target = torch.where(excess > 0, self.far, self.near)
        return flat.index_add(0, target, (self.weight * excess)[:, None] * difference)


def neighbours(axis: int, size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """First and second flat pixel index (M,) of all neighbours; axis 0: in rows, 1: in columns."""
    pixel = torch.arange(size[0] * size[1], device=device).reshape(size)
    if axis == 0:
        return pixel[:, :-1].flatten(), pixel[:, 1:].flatten()
    return pixel[:-1].flatten(), pixel[1:].flatten()
