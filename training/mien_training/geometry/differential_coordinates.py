"""Displacements through a Laplacian solve: gradients of a few vertices move a whole region."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import torch
from scipy.sparse import csc_array, csr_array, eye_array, issparse, sparray, spmatrix
from scipy.sparse.linalg import splu

from mien.errors import InputError, MissingExtraError

__all__ = ["DifferentialCoordinates"]

Solver = Literal["auto", "cholespy", "scipy"]
Linear = Callable[[torch.Tensor], torch.Tensor]

_CUDA_COLUMNS = 128
"""Right-hand sides that cholespy's CUDA solver takes at once."""


class DifferentialCoordinates:
    """The pair u = (I + lambda L) d, d = (I + lambda L)^-1 u over one mesh, factorised once.

    d are displacements, u their differential coordinates; optimising u in place of d makes every
    gradient step smooth without a smoothness penalty (Nicolet, Jacobson and Jakob 2021, "Large
    Steps in Inverse Rendering of Geometry", section 3). With L over vertices and interior edges,
    this is the deformation space of Ming et al. 2024, "High-Quality Mesh Blendshape Generation
    from Face Videos" (arXiv 2401.08398).

    laplacian: (N, N) symmetric sparse, as `uniform_laplacian` makes it.
    lambda_: how far a change spreads, >= 0; 0 makes d = u. 19 is the paper's setting.
    solver: "cholespy" (sparse Cholesky, CPU and CUDA, in the tensor's own precision), "scipy"
        (sparse LU on the CPU, in float64, for every device), or "auto": cholespy if installed.

    Both directions take float32 or float64 tensors (N, C) or (M, N, C), typically C = 3, in any
    unit, are linear and differentiable any number of times. Factors are made at the first use
    for a device and precision. Not safe for use by several threads at once. Raises InputError for
    other shapes and types, MissingExtraError if cholespy is asked for and not installed.
    """

    def __init__(
        self, laplacian: sparray | spmatrix, lambda_: float = 19.0, solver: Solver = "auto"
    ) -> None:
        if not 0.0 <= lambda_ < float("inf"):
            raise InputError(f"DifferentialCoordinates: lambda_ {lambda_}, expected finite, >= 0")
        matrix = _checked_matrix(laplacian)
        if solver not in ("auto", "cholespy", "scipy"):
            raise InputError(
                f"DifferentialCoordinates: solver {solver!r}, expected 'auto', 'cholespy', 'scipy'"
            )
        installed = find_spec("cholespy") is not None
        if solver == "cholespy" and not installed:
            raise MissingExtraError("solver 'cholespy' is not installed: pip install 'mien[train]'")
        self.node_count = int(matrix.shape[0])
        self.lambda_ = float(lambda_)
        self.solver: Literal["cholespy", "scipy"] = (
            "scipy" if solver == "scipy" or not installed else "cholespy"
        )
        self._matrix = csr_array(eye_array(self.node_count) + lambda_ * matrix)
        self._operators: dict[tuple[str, torch.device, torch.dtype], Linear] = {}

    def to_differential(self, d: torch.Tensor) -> torch.Tensor:
        """u = (I + lambda L) d: the coordinates of displacements d, (N, C) or (M, N, C)."""
        return self._apply("to_differential", d)

    def from_differential(self, u: torch.Tensor) -> torch.Tensor:
        """d = (I + lambda L)^-1 u: the displacements of coordinates u, (N, C) or (M, N, C).

        A stack of M goes through one solve with M * C right-hand sides.
        """
        return self._apply("from_differential", u)

    def _apply(self, direction: str, x: torch.Tensor) -> torch.Tensor:
        n = self.node_count
        if x.ndim not in (2, 3) or x.shape[-2] != n:
            raise InputError(f"{direction}: {tuple(x.shape)}, expected ({n}, C) or (M, {n}, C)")
        if x.dtype not in (torch.float32, torch.float64):
            raise InputError(f"{direction}: {x.dtype}, expected float32 or float64")
        key = (direction, x.device, x.dtype)
        if key not in self._operators:
            make = _product if direction == "to_differential" else _solve[self.solver]
            self._operators[key] = make(self._matrix, x.device, x.dtype)
        if x.numel() == 0:
            return x.clone()
        # All shapes and axes become columns beside each other: one product or solve.
        columns = x if x.ndim == 2 else x.permute(1, 0, 2).reshape(n, -1)
        y: torch.Tensor = _Symmetric.apply(columns, self._operators[key])  # type: ignore[no-untyped-call]
        if x.ndim == 3:
            y = y.reshape(n, x.shape[0], x.shape[2]).permute(1, 0, 2)
        return y


def _checked_matrix(laplacian: Any) -> csr_array:
    is_sparse = bool(issparse(laplacian))
    if not is_sparse or len(laplacian.shape) != 2:
        raise InputError("DifferentialCoordinates: laplacian, expected a sparse matrix")
    rows, columns = laplacian.shape
    if rows != columns or rows < 1:
        raise InputError(f"DifferentialCoordinates: laplacian {rows, columns}, expected square")
    matrix: csr_array = csr_array(laplacian, dtype=np.float64)
    if abs(matrix - matrix.T).max() > 1e-12 * max(float(abs(matrix).max()), 1.0):
        raise InputError("DifferentialCoordinates: laplacian, expected a symmetric matrix")
    return matrix


class _Symmetric(torch.autograd.Function):
    """A symmetric linear map of (N, K) columns: its backward is the map itself."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, operator: Linear) -> torch.Tensor:
        ctx.operator = operator
        return operator(x.detach().contiguous())

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        # Through `apply` again, so that second derivatives exist.
        return _Symmetric.apply(gradients[0], ctx.operator), None  # type: ignore[no-untyped-call]


def _product(matrix: csr_array, device: torch.device, dtype: torch.dtype) -> Linear:
    coo = matrix.tocoo()
    index = torch.from_numpy(np.stack(coo.coords).astype(np.int64))
    values = torch.from_numpy(coo.data)
    sparse = torch.sparse_coo_tensor(index, values, coo.shape, check_invariants=True)
    sparse = sparse.coalesce().to(device, dtype)
    return lambda x: torch.sparse.mm(sparse, x)


def _solve_scipy(matrix: csr_array, device: torch.device, dtype: torch.dtype) -> Linear:
    # Symmetric mode: the diagonal dominates, so no pivoting is needed and less fills in.
    factor = splu(
        csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )  # fmt: skip

    def solve(x: torch.Tensor) -> torch.Tensor:
        solution = factor.solve(x.cpu().numpy().astype(np.float64))
        return torch.from_numpy(solution).to(device, dtype)

    return solve


def _solve_cholespy(matrix: csr_array, device: torch.device, dtype: torch.dtype) -> Linear:
    # It carries no types, and need not be installed.
    cholespy: Any = import_module("cholespy")
    coo = matrix.tocoo()
    # The arrays' device decides where the factor lives and solves.
    i, j = (torch.from_numpy(c.astype(np.int32)).to(device) for c in coo.coords)
    values = torch.from_numpy(coo.data).to(device)
    make = cholespy.CholeskySolverF if dtype == torch.float32 else cholespy.CholeskySolverD
    try:
        factor = make(coo.shape[0], i, j, values, cholespy.MatrixType.COO)
    except (RuntimeError, TypeError, ValueError):
        if device.type == "cpu":
            raise
        return _solve_scipy(matrix, device, dtype)  # it was built, or loaded, without CUDA

    def solve(x: torch.Tensor) -> torch.Tensor:
        if x.device.type != "cuda" or x.shape[1] <= _CUDA_COLUMNS:
            solution = torch.empty_like(x)
            factor.solve(x, solution)
            return solution
        return torch.cat([solve(part.contiguous()) for part in torch.split(x, _CUDA_COLUMNS, 1)], 1)

    return solve


_solve = {"scipy": _solve_scipy, "cholespy": _solve_cholespy}
