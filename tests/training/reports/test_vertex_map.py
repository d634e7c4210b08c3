"""Numbers on a head become colours that can be read."""

import numpy as np

from mien_training.cameras import project
from mien_training.reports.vertex_map import colour_of, draw_vertex_map, head_camera


def test_colours_grow_brighter_all_the_way():
    light = colour_of(np.linspace(0, 1, 50)) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > 0).all()
    np.testing.assert_array_equal(colour_of(np.array([2.0])), colour_of(np.array([1.0])))


def test_larger_values_are_brighter_and_unknown_ones_grey(head_template):
    v, f = head_template.vertices, head_template.triangles
    cameras = [head_camera(v, 64, yaw) for yaw in (-1.0, 0.0, 1.0)]

    def drawn(values):
        return draw_vertex_map(v, f, values, 2.0, cameras, "spread, mm", "not seen")

    small, large = drawn(np.full(len(v), 0.1)), drawn(np.full(len(v), 1.9))
    unknown = drawn(np.full(len(v), np.nan))
    assert small.shape == large.shape and small.shape[1] == 3 * 64 and small.shape[0] > 64
    assert large[:64].mean() > small[:64].mean() + 20
    middle = unknown[20:44, 84:108].astype(int)
    assert np.ptp(middle, axis=2).max() < 20


def test_the_whole_head_is_in_the_picture(head_template):
    for yaw in (0.0, 1.2, np.pi):
        pixels, depth = project(
            head_camera(head_template.vertices, 50, yaw), head_template.vertices
        )
        assert (depth > 0).all() and pixels.min() > 0 and pixels.max() < 50
