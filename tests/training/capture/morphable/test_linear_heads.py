"""The space is linear, its components are orthonormal, and they span what they were made from."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.morphable.linear_heads import LinearHeads, principal_components


def made(count=6, vertices=40):
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, vertices, 3))


def test_as_many_components_as_heads_span_them():
    heads = made()
    mean, basis, variances = principal_components(heads, 20)
    assert len(basis) == 5 and (np.diff(variances) <= 0).all()
    flat = basis.reshape(5, -1).astype(np.float64)
    np.testing.assert_allclose(flat @ flat.T, np.eye(5), atol=1e-6)
    own = (heads - mean).reshape(6, -1) @ flat.T
    np.testing.assert_allclose((own**2).sum(0) / 5, variances, rtol=1e-5)
    model = LinearHeads(mean, basis, variances)
    np.testing.assert_allclose(model.vertices(own), heads, atol=1e-5)
    assert len(principal_components(heads, 2)[1]) == 2


def test_places_on_triangles_follow_the_corners():
    mean, basis, variances = principal_components(made(), 4)
    model = LinearHeads(mean, basis, variances)
    rng = np.random.default_rng(1)
    triangles = rng.integers(0, 40, (12, 3))
    chosen, weights = rng.integers(0, 12, 7), rng.dirichlet((1, 1, 1), 7)
    at, bases = model.at(triangles, chosen, weights)
    c = rng.standard_normal(4)
    whole = np.einsum("nc,ncx->nx", weights, model.vertices(c)[triangles[chosen]])
    np.testing.assert_allclose(at + bases @ c, whole, atol=1e-5)


def test_what_does_not_fit_is_refused():
    mean, basis, variances = principal_components(made(), 4)
    with pytest.raises(InputError, match="basis"):
        LinearHeads(mean, basis[:3], variances)
    with pytest.raises(InputError, match="variances"):
        LinearHeads(mean, basis, 0 * variances)
    with pytest.raises(InputError, match="coefficients"):
        LinearHeads(mean, basis, variances).vertices(np.zeros(3))
    with pytest.raises(InputError, match="heads"):
        principal_components(made(1), 3)
