"""Skin detail of one person from observations that are linear in it, by its prior.

Unknowns are coefficients of the basis, what the basis leaves out texel by texel, and nuisances of
the observations; all with a prior of N(0, 1). The most probable ones solve a linear least-squares
problem; conjugate gradients on its normal equations never form a matrix (Hestenes and Stiefel
1952).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.detail.detail_basis import DetailBasis

__all__ = ["DetailModel", "Solved", "most_probable"]

_BLUR = 0.8
"""Standard deviation of what links neighbours in the part that the basis leaves out, texels."""


@dataclass(frozen=True, eq=False)
class DetailModel:
    """Unknowns -> heights of all three parts, linear but for the mean."""

    basis: DetailBasis
    rest_share: float = 1.0
    """Factor of the standard deviation of what the basis leaves out; 0: the basis alone."""
    modes_share: float = 1.0
    """Factor of the modes' standard deviations; 0: no basis but its mean."""

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of unknowns: coefficients of each part, then texels of each part."""
        parts = self.basis.parts
        return (*(len(p.modes) for p in parts), *(len(p.mean) for p in parts))

    def __post_init__(self) -> None:
        side = 5
        at = torch.arange(side) - side // 2
        line = torch.exp(-0.5 * (at / _BLUR).square())
        kernel = torch.outer(line, line)
        object.__setattr__(self, "_kernel", (kernel / kernel.square().sum().sqrt())[None, None])
        object.__setattr__(self, "_texel", torch.from_numpy(self.basis.texel).long())
        modes = [torch.from_numpy(p.modes) for p in self.basis.parts]
        object.__setattr__(self, "_modes", modes)
        rest = [torch.from_numpy(p.rest) for p in self.basis.parts]
        object.__setattr__(self, "_rest", rest)

    @property
    def mean(self) -> Tensor:
        """(3, S, S) metres of the mean person."""
        return torch.stack([self._image(torch.from_numpy(p.mean)) for p in self.basis.parts])

    def change(self, unknowns: Tensor) -> Tensor:
        """(3, S, S) metres that unknowns (U,) add to the mean; linear."""
        pieces = torch.split(unknowns, list(self.counts))
        images = []
        for k in range(3):
            known = self.modes_share * (pieces[k] @ self._modes[k])  # type: ignore[attr-defined]
            own = self.rest_share * self._rest[k] * pieces[3 + k]  # type: ignore[attr-defined]
            images.append(self._image(known) + self._smooth(self._image(own)))
        return torch.stack(images)

    def coefficients(self, unknowns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of the three parts, in standard deviations."""
        pieces = torch.split(unknowns, list(self.counts))
        return pieces[0], pieces[1], pieces[2]

    def _image(self, values: Tensor) -> Tensor:
        side = self.basis.size
        flat = values.new_zeros(side * side)
        texel: Tensor = self._texel  # type: ignore[attr-defined]
        return flat.index_copy(0, texel, values).reshape(side, side)

    def _smooth(self, image: Tensor) -> Tensor:
        kernel: Tensor = self._kernel  # type: ignore[attr-defined]
        return F.conv2d(image[None, None], kernel, padding=kernel.shape[-1] // 2)[0, 0]


@dataclass(frozen=True, eq=False)
class Solved:
    """What `most_probable` found."""

    unknowns: Tensor
    """(U,)"""
    iterations: int
    remaining: float
    """Length of the normal equations' residual, of its first."""


def most_probable(
    observe: Callable[[Tensor], Tensor], target: Tensor, size: int, iterations: int = 60,
    tolerance: float = 1e-3,
) -> Solved:  # fmt: skip
    """x (U,) that makes |observe(x) - target|^2 + |x|^2 least, `observe` being linear.

    `observe` and `target` are weighted by one over the standard deviation of their noise.
    """
    zero = torch.zeros(size, requires_grad=True)
    with torch.enable_grad():
        image = observe(zero)

    def transposed(y: Tensor) -> Tensor:
        return torch.autograd.grad(image, zero, y, retain_graph=True)[0]

    with torch.no_grad():
        offset = image.detach()  # 0 for a linear map
        x = torch.zeros(size)
        residual = transposed(target - offset)
        direction, squared = residual.clone(), residual.square().sum()
        first = float(squared.sqrt())
        done = 0
        while done < iterations and float(squared.sqrt()) > tolerance * max(first, 1e-30):
            ahead = transposed(observe(direction) - offset) + direction
            step = squared / (direction * ahead).sum()
            x += step * direction
            residual -= step * ahead
            now = residual.square().sum()
            direction = residual + now / squared * direction
            squared, done = now, done + 1
    return Solved(x, done, float(squared.sqrt()) / max(first, 1e-30))
