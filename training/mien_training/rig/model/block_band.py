"""Symmetric systems in which a knot of a spline knows only the knots near it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve_banded, cholesky_banded, solveh_banded

__all__ = ["BlockBand"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BlockBand:
    """A positive definite matrix over N knots of U unknowns each."""

    blocks: Float64Array
    """(N, S, U, U): of each row's knot with itself, and with the S - 1 knots before it."""

    @classmethod
    def zeros(cls, knots: int, unknowns: int, support: int) -> BlockBand:
        """To be added to."""
        return cls(np.zeros((knots, support, unknowns, unknowns)))

    def add(self, first: int, share: Float64Array, matrix: Float64Array) -> None:
        """Of a value that is the sum of share (S,) times the knots from `first` on, the quadratic
        form matrix (U, U)."""
        for a in range(len(share)):
            for b in range(a + 1):
                self.blocks[first + a, a - b] += share[a] * share[b] * matrix

    def with_diagonal(self, diagonal: Float64Array) -> BlockBand:
        """Another one, with (N, U) added."""
        blocks = self.blocks.copy()
        i = np.arange(blocks.shape[2])
        blocks[:, 0, i, i] += diagonal
        return BlockBand(blocks)

    def times(self, values: Float64Array) -> Float64Array:
        """(N, U) the product with (N, U)."""
        total: Float64Array = np.einsum("nuv,nv->nu", self.blocks[:, 0], values)
        for back in range(1, min(self.blocks.shape[1], len(values))):
            block = self.blocks[back:, back]
            total[back:] += np.einsum("nuv,nv->nu", block, values[:-back])
            total[:-back] += np.einsum("nuv,nu->nv", block, values[back:])
        return total

    def solve(self, columns: Float64Array) -> Float64Array:
        """(N, U, C) the solutions for (N, U, C) right-hand sides."""
        flat = columns.reshape(-1, columns.shape[2])
        found = solveh_banded(self._lower(), flat, lower=True, overwrite_ab=True)
        shaped: Float64Array = found.reshape(columns.shape)
        return shaped

    def factor(self) -> Callable[[Float64Array], Float64Array]:
        """A function that solves one right-hand side (N U,) after the other."""
        factor = cholesky_banded(self._lower(), lower=True, overwrite_ab=True)

        def solve(rhs: Float64Array) -> Float64Array:
            found: Float64Array = cho_solve_banded((factor, True), rhs)
            return found

        return solve

    def _lower(self) -> Float64Array:
        """LAPACK's lower band."""
        knots, support, unknowns, _ = self.blocks.shape
        band = np.zeros((support * unknowns, knots, unknowns))
        row, column = np.meshgrid(np.arange(unknowns), np.arange(unknowns), indexing="ij")
        for back in range(min(support, knots)):
            offset = back * unknowns + row - column
            inside = offset >= 0
            rows, columns = offset[inside], column[inside]
            band[rows, : knots - back, columns] = self.blocks[back:, back][:, inside].T
        return band.reshape(support * unknowns, -1)
