"""Shapes by known weights: what was put in comes out, and noise is not believed."""

import numpy as np
from support.mesh_takes import bump_head

from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.shape_equations import (
    NEUTRAL_SPREAD_M,
    solve_detail,
    solve_fields,
    solve_neutral,
)
from mien_training.rig.from_meshes.shape_fields import ShapeFields


def test_fields_that_made_the_residual_come_back():
    template = bump_head()
    fields = ShapeFields(template, template.regions["skin"], MeshFitConfig(anchors=8))
    rng = np.random.default_rng(0)
    vertex = np.flatnonzero(template.regions["skin"])[::5]
    true, weights = rng.normal(size=fields.shape), rng.uniform(0, 1, (30, 4))
    shift = rng.normal(0, 0.002, (len(vertex), 3))  # the neutral's, which gives way
    residual = shift + np.tensordot(weights, fields.changes(true, vertex), 1)
    worth = rng.uniform(0.5, 1, residual.shape[:2]) / 1e-5**2
    start = np.zeros(fields.shape)
    found = solve_fields(fields, vertex, weights, residual, worth, start, 300, 1e-9)
    moved, expected = fields.changes(found, vertex), fields.changes(true, vertex)
    np.testing.assert_allclose(moved, expected, atol=5e-6)  # of a millimetre
    nothing = solve_fields(fields, vertex, weights, residual, 1e-9 * worth, start)
    assert np.abs(fields.changes(nothing, vertex)).max() < 0.05 * np.abs(expected).max()


def test_a_neutral_is_the_weighted_mean_as_far_as_it_is_believed():
    residual = np.zeros((2, 3, 3))
    residual[1] = 0.004
    worth = np.array([[1.0, 1.0, 0.0], [1.0, 3.0, 0.0]]) * 1e8
    found = solve_neutral(residual, worth)
    np.testing.assert_allclose(found[:2], [[0.002] * 3, [0.003] * 3], rtol=1e-3)
    assert not found[2].any()
    even = np.full((2, 3), 0.5 / NEUTRAL_SPREAD_M**2)  # together as sure as the prior
    np.testing.assert_allclose(solve_neutral(residual, even), 0.001, rtol=1e-9)


def test_detail_is_a_regression_at_every_vertex():
    rng = np.random.default_rng(1)
    weights = rng.uniform(0, 1, (40, 3))
    neutral, deltas = rng.normal(0, 0.001, (7, 3)), rng.normal(0, 0.001, (3, 7, 3))
    residual = neutral + np.tensordot(weights, deltas, 1)
    spread = np.full((3, 7), 0.01)
    spread[1, 2] = 0.0
    found = solve_detail(weights, residual, np.full((40, 7), 1e12), spread)
    others = np.arange(7) != 2
    np.testing.assert_allclose(found[0][others], neutral[others], atol=1e-7)
    np.testing.assert_allclose(found[1][:, others], deltas[:, others], atol=1e-7)
    assert not found[1][1, 2].any()  # a shape that may not move there does not
