"""What maps say of a pixel lies on the pixel's ray, on the triangle that it names."""

import numpy as np
import pytest

from mien_training.cameras import look_at_camera, project
from mien_training.rendering import HeadRenderer


@pytest.fixture(scope="module")
def seen(plain_rig):
    low, high = plain_rig.vertices.min(0), plain_rig.vertices.max(0)
    middle, size = 0.5 * (low + high), float((high - low).max())
    camera = look_at_camera(middle + size * np.array([0.5, 0.3, 2.0]), middle, 0.7, 60, 50)
    return camera, HeadRenderer(plain_rig).label_maps(plain_rig.vertices, camera)


def test_weights_are_those_of_a_place_in_the_triangle(seen):
    _, maps = seen
    inside = maps.triangle >= 0
    assert 0.1 < inside.mean() < 0.9
    np.testing.assert_allclose(maps.weights[inside].sum(1), 1, atol=1e-5)
    assert maps.weights[inside].min() > -1e-3
    assert not maps.weights[~inside].any()


def test_interpolated_vertices_are_the_place_seen(seen, plain_rig):
    camera, maps = seen
    places = maps.interpolate(plain_rig.vertices, plain_rig.triangles)
    rows, columns = np.nonzero(maps.triangle >= 0)
    pixels, depth = project(camera, places[rows, columns])
    np.testing.assert_allclose(pixels, np.stack([columns, rows], 1) + 0.5, atol=1e-3)
    np.testing.assert_allclose(depth, maps.depth_m[rows, columns], rtol=1e-5)
    assert not places[maps.triangle < 0].any()


def test_only_the_first_triangles_are_interpolated_if_asked(seen, plain_rig):
    _, maps = seen
    few = int(np.median(maps.triangle[maps.triangle >= 0]))
    some = maps.interpolate(plain_rig.uvs, plain_rig.triangles[:few])
    every = maps.interpolate(plain_rig.uvs, plain_rig.triangles)
    first = (maps.triangle >= 0) & (maps.triangle < few)
    np.testing.assert_array_equal(some[first], every[first])
    assert not some[~first].any()
    np.testing.assert_allclose(every, maps.uv, atol=1e-6)
