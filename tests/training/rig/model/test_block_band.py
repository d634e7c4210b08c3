"""A band of blocks is the dense matrix it stands for."""

import numpy as np
import pytest

from mien_training.rig.model.block_band import BlockBand

UNKNOWNS, SUPPORT = 3, 4


@pytest.fixture(params=[2, 4, 9])
def both(request):
    """A band and the dense matrix, of fewer knots than a sum reaches, and of more."""
    knots = request.param
    rng = np.random.default_rng(knots)
    band = BlockBand.zeros(knots, UNKNOWNS, SUPPORT)
    dense = np.zeros((knots * UNKNOWNS, knots * UNKNOWNS))
    for _ in range(4 * knots):
        reach = min(SUPPORT, knots)
        first, share = int(rng.integers(knots - reach + 1)), rng.uniform(0.1, 1, reach)
        rows = rng.normal(size=(5, UNKNOWNS))
        band.add(first, share, rows.T @ rows)
        design = np.zeros((UNKNOWNS, len(dense)))
        for a in range(reach):
            at = (first + a) * UNKNOWNS
            design[:, at : at + UNKNOWNS] = share[a] * np.eye(UNKNOWNS)
        dense += design.T @ rows.T @ rows @ design
    diagonal = rng.uniform(0.1, 1, (knots, UNKNOWNS))
    return band.with_diagonal(diagonal), dense + np.diag(diagonal.ravel())


def test_products_are_those_of_the_dense_matrix(both):
    band, dense = both
    values = np.random.default_rng(1).normal(size=band.blocks.shape[:1] + (UNKNOWNS,))
    np.testing.assert_allclose(band.times(values).ravel(), dense @ values.ravel(), atol=1e-10)


def test_solutions_are_those_of_the_dense_matrix(both):
    band, dense = both
    columns = np.random.default_rng(2).normal(size=(len(band.blocks), UNKNOWNS, 2))
    expected = np.linalg.solve(dense, columns.reshape(-1, 2))
    np.testing.assert_allclose(band.solve(columns).reshape(-1, 2), expected, rtol=1e-6)
    once = band.factor()(columns[..., 0].ravel())
    np.testing.assert_allclose(once, expected[:, 0], rtol=1e-6)
