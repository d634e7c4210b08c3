"""Skin detail of one person from observations that are linear in it, by its prior.

Unknowns are coefficients of the basis, what the basis leaves out texel by texel, and nuisances of
the observations; all with a prior of N(0, 1). The most probable ones solve a linear least-squares
problem; conjugate gradients on its normal equations never form a matrix (Hestenes and Stiefel
1952).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.detail.basis.detail_basis import DetailBasis

__all__ = ["DetailModel", "Solved", "most_probable"]

_BLUR = 0.8
"""Standard deviation of what links neighbours in the part that the basis leaves out, texels."""


@dataclass(frozen=True, eq=False)
class DetailModel:
    """Unknowns -> heights of all three parts, linear but for the mean."""

    basis: DetailBasis
    rest_share: float = 3.0
    """Factor of the standard deviation of what the basis leaves out; 0: the basis alone. Above 1,
    for real skin has more beside the modes than the synthetic one that they are made of."""
    modes_share: float = 1.0
    """Factor of the modes' standard deviations; 0: no basis but its mean."""

    @property
    def size(self) -> int:
        """Number of unknowns: of the coefficients, and of the texels of all parts."""
        return self._codes + 3 * len(self.basis.texel)

    @property
    def _codes(self) -> int:
        return int(self.basis.link.shape[0] * self.basis.link.shape[1])

    @cached_property
    def _kernel(self) -> Tensor:
        """(1, 1, 5, 5) blur that leaves the standard deviation of independent texels as it is."""
        at = torch.arange(5) - 2
        line = torch.exp(-0.5 * (at / _BLUR).square())
        kernel = torch.outer(line, line)
        return (kernel / kernel.square().sum().sqrt())[None, None]

    @cached_property
    def _texel(self) -> Tensor:
        return torch.from_numpy(self.basis.texel).long()

    @cached_property
    def _modes(self) -> tuple[Tensor, ...]:
        return tuple(torch.from_numpy(p.modes) for p in self.basis.parts)

    @cached_property
    def _link(self) -> Tensor:
        return torch.from_numpy(self.basis.link)

    @cached_property
    def _rest(self) -> Tensor:
        return torch.from_numpy(self.basis.rest)

    @property
    def mean(self) -> Tensor:
        """(3, S, S) metres of the mean person."""
        return torch.stack([self._image(torch.from_numpy(p.mean)) for p in self.basis.parts])

    @cached_property
    def spread(self) -> Tensor:
        """(3, S, S) metres by which people differ, one standard deviation; without links between
        regions and texels."""
        link = self._link
        regions = len(link)
        counts = [len(p.modes) // regions for p in self.basis.parts]
        squares = torch.split(link.square().sum(2), counts, 1)
        modes = torch.stack([
            (c.flatten() @ m.square()) for c, m in zip(squares, self._modes, strict=True)
        ])  # fmt: skip
        return self._image((self.modes_share**2 * modes + self._rest.square().sum(1)).sqrt())

    def change(self, unknowns: Tensor) -> Tensor:
        """(3, S, S) metres that unknowns (U,) add to the mean; linear."""
        codes = self.coefficients(unknowns)
        own = unknowns[self._codes :].reshape(3, -1)
        rest = self.rest_share * torch.einsum("ijn,jn->in", self._rest, own)
        known = torch.stack([c @ m for c, m in zip(codes, self._modes, strict=True)])
        return self._image(self.modes_share * known) + self._smooth(self._image(rest))

    def coefficients(self, unknowns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of the three parts, in standard deviations."""
        link = self._link
        regions = len(link)
        codes = torch.einsum("rij,rj->ri", link, unknowns[: self._codes].reshape(regions, -1))
        a, b, c = torch.split(codes, [len(p.modes) // regions for p in self.basis.parts], 1)
        return a.flatten(), b.flatten(), c.flatten()

    def _image(self, values: Tensor) -> Tensor:
        side = self.basis.size
        flat = values.new_zeros(*values.shape[:-1], side * side)
        return flat.index_copy(-1, self._texel, values).reshape(*values.shape[:-1], side, side)

    def _smooth(self, images: Tensor) -> Tensor:
        kernel = self._kernel
        return F.conv2d(images[:, None], kernel, padding=kernel.shape[-1] // 2)[:, 0]


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
