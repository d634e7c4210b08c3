"""The bounded minimum: no slope is left but against a bound, and rows do not know each other."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.rig.from_meshes.bounded_quadratic import minimise_bounded


def problems(count, size, seed=0):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(count, size, size))
    hessian = roots @ roots.swapaxes(1, 2) + 1e-3 * np.eye(size)
    return hessian, rng.normal(0, 3, (count, size)), np.zeros((count, size))


def test_slopes_vanish_or_push_against_a_bound():
    hessian, rhs, start = problems(40, 12)
    low, high = np.zeros(12), np.ones(12)
    low[:3], high[:3] = -np.inf, np.inf
    x = minimise_bounded(hessian, rhs, low, high, start)
    slope = np.einsum("tij,tj->ti", hessian, x) - rhs
    below, above = x <= low, x >= high
    assert below.any() and above.any() and (x >= low).all() and (x <= high).all()
    np.testing.assert_allclose(slope[~below & ~above], 0, atol=1e-6)
    assert slope[below].min() >= -1e-6 and slope[above].max() <= 1e-6


def test_without_bounds_it_is_the_solution_of_the_equations():
    hessian, rhs, start = problems(5, 6, 1)
    free = np.full(6, np.inf)
    x = minimise_bounded(hessian, rhs, -free, free, start)
    np.testing.assert_allclose(x, np.linalg.solve(hessian, rhs[..., None])[..., 0], atol=1e-7)


def test_a_batch_is_its_single_problems_and_the_start_does_not_matter():
    hessian, rhs, start = problems(7, 5, 2)
    low, high = np.zeros(5), np.full(5, 0.4)
    every = minimise_bounded(hessian, rhs, low, high, start)
    for t in range(len(rhs)):
        row = slice(t, t + 1)
        one = minimise_bounded(hessian[row], rhs[row], low, high, start[row] + 0.2)
        np.testing.assert_allclose(one, every[row], atol=1e-7)


def test_nonsense_is_refused():
    hessian, rhs, start = problems(2, 3)
    with pytest.raises(InputError, match="expected"):
        minimise_bounded(hessian[:, :2], rhs, np.zeros(3), np.ones(3), start)
    with pytest.raises(InputError, match="above its upper bound"):
        minimise_bounded(hessian, rhs, np.ones(3), np.zeros(3), start)
