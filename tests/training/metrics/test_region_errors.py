"""Errors of parts: exact on planes and spheres, and no part speaks for another."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.metrics.mesh_errors import point_to_surface_mm
from mien_training.metrics.region_errors import errors_by_region


def test_distances_to_a_plane_are_exact_in_each_region():
    plane = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    rng = np.random.default_rng(0)
    points = np.c_[rng.uniform(-0.9, 0.9, (60, 2)), np.repeat([0.001, -0.003, 0.002], 20)]
    distance = point_to_surface_mm(points, plane, [[0, 1, 2], [0, 2, 3]])
    regions = {n: np.arange(60) // 20 == i for i, n in enumerate("abc")}
    seen = np.arange(60) % 20 < 5
    rows = {(r.region, r.which): r for r in errors_by_region(distance, regions, seen)}
    for name, true in zip("abc", (1.0, 3.0, 2.0), strict=True):
        for which, count in (("all", 20), ("seen", 5), ("hidden", 15)):
            row = rows[name, which]
            assert row.median == pytest.approx(true, abs=1e-4) and row.count == count
            assert row.mean == pytest.approx(true, abs=1e-4) and row.deviation < 1e-4


def test_distances_to_a_sphere_are_exact(ball):
    mesh, triangles = ball(40, radius=0.1)
    way = np.random.default_rng(1).standard_normal((200, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    off = np.random.default_rng(2).uniform(-0.02, 0.02, 200)
    found = point_to_surface_mm((0.1 + off)[:, None] * way, mesh, triangles)
    upper = way[:, 1] > 0
    np.testing.assert_allclose(found, 1e3 * np.abs(off), atol=0.2)  # a facet's sagitta
    rows = errors_by_region(found, {"upper": upper})
    assert [r.which for r in rows] == ["all"]
    assert rows[0].median == pytest.approx(np.median(found[upper]))
    assert rows[0].deviation == pytest.approx(found[upper].std())


def test_nothing_is_nan_and_nan_is_nothing():
    rows = errors_by_region([1.0, np.nan, 3.0], {"a": np.array([True, True, False]),
                                                 "b": np.zeros(3, bool)})  # fmt: skip
    assert rows[0].mean == 1 and rows[0].count == 1
    assert np.isnan(rows[1].median) and rows[1].count == 0
    with pytest.raises(InputError, match="a"):
        errors_by_region([1.0, 2.0], {"a": [1, 0]})
    with pytest.raises(InputError, match="seen"):
        errors_by_region([1.0, 2.0], {}, [True])
