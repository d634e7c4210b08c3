"""Shapes with weights of 0 to 1 that add up to the meshes."""

import numpy as np
import pytest

from mien_training.capture.output.principal_shapes import principal_shapes


def moving(moments, ways, vertices=40):
    rng = np.random.default_rng(0)
    axes = rng.normal(0, 3e-3, (ways, vertices, 3))
    still = rng.normal(0, 0.1, (vertices, 3))
    return (still + np.tensordot(rng.normal(0, 1, (moments, ways)), axes, 1)).astype(np.float32)


def played(shapes):
    return shapes.base + np.tensordot(shapes.weights, shapes.deltas, 1)


def test_as_many_components_as_there_are_ways():
    meshes = moving(50, 3)
    shapes = principal_shapes(meshes, error_m=1e-6)
    assert len(shapes.deltas) == 6 and shapes.error_m < 1e-6
    np.testing.assert_allclose(played(shapes), meshes, atol=3e-6)
    assert shapes.weights.min() == 0
    np.testing.assert_allclose(shapes.weights.max(0), 1, atol=1e-6)
    np.testing.assert_allclose(shapes.base, meshes.mean(0), atol=1e-6)


def test_the_error_is_what_playing_them_misses():
    meshes = moving(60, 8)
    few = principal_shapes(meshes, most=3)
    off = np.linalg.norm(played(few) - meshes, axis=2)
    assert few.error_m == pytest.approx(np.sqrt(np.square(off).mean()), rel=1e-3)
    tolerated = principal_shapes(meshes, error_m=4e-3)
    assert 0 < len(tolerated.deltas) < 16 and tolerated.error_m < 4.1e-3


def test_nothing_moves():
    still = np.repeat(moving(1, 1), 4, 0)
    shapes = principal_shapes(still)
    assert shapes.deltas.shape == (0, 40, 3) and shapes.weights.shape == (4, 0)
    np.testing.assert_allclose(shapes.base, still[0], atol=1e-7)
    assert principal_shapes(still[:1]).deltas.shape == (0, 40, 3)
