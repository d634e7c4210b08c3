"""Relaxed places come back to the shapes wanted, and never fold on the way."""

import numpy as np

from mien_training.avatar.anchors.layout.relax import relax


def grid(n):
    y, x = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    at = np.arange(n * n).reshape(n, n)
    a, b, c, d = (k.ravel() for k in (at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]))
    points = np.stack([x.ravel(), y.ravel()], 1).astype(np.float64)
    return points, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def signed(p):
    e = p[:, 1:] - p[:, :1]
    return e[:, 0, 0] * e[:, 1, 1] - e[:, 0, 1] * e[:, 1, 0]


def test_a_squeezed_grid_recovers_its_shape():
    points, corners = grid(9)
    shapes = points[corners][:, 1:] - points[corners][:, :1]
    squeezed = points * (1, 0.05) + 0.3 * points[:, 1:] * (1, 0)
    found = relax(squeezed, corners, shapes, np.ones(len(corners)), len(points), 60)
    assert signed(found[corners]).min() > 0
    edges = found[corners][:, 1:] - found[corners][:, :1]
    np.testing.assert_allclose(np.linalg.norm(edges, axis=2), np.linalg.norm(shapes, axis=2),
                               rtol=0.02)  # fmt: skip


def test_fixed_places_stay():
    points, corners = grid(5)
    shapes = points[corners][:, 1:] - points[corners][:, :1]
    start = points.copy()
    start[:15] += 0.2 * np.random.default_rng(0).normal(0, 1, (15, 2)).clip(-1, 1)
    found = relax(start, corners, shapes, np.ones(len(corners)), 15, 20)
    np.testing.assert_array_equal(found[15:], points[15:])
    assert np.abs(found - points)[:15].max() < 0.02
