"""Open sky: full on a convex body, none inside one, half in front of a wall."""

import numpy as np

from mien_training.head import rig_from_template
from mien_training.rendering.ambient_occlusion import (
    posed_ambient_occlusion,
    rig_ambient_occlusion,
    vertex_ambient_occlusion,
)


def test_convex_body_sees_all(sphere):
    vertices, triangles, _, _ = sphere(24, 48, radius=0.05)
    assert vertex_ambient_occlusion(vertices, vertices / 0.05, triangles).min() > 0.97


def test_inside_a_closed_body_nothing_is_open(sphere):
    vertices, triangles, _, _ = sphere(24, 48, radius=0.005)
    sky = vertex_ambient_occlusion(vertices, -vertices / 0.005, triangles, reach_m=0.08)
    assert sky.max() < 0.03


def test_next_to_a_wall_half_is_open():
    wall = np.array([(0, -1, -1), (0, 1, -1), (0, 1, 1), (0, -1, 1)], np.float32)
    floor = np.array([(0.001, 0, 0)], np.float32)
    vertices = np.concatenate([wall, floor])
    normals = np.tile(np.array([[0, 1, 0]], np.float32), (5, 1))
    triangles = np.array([(0, 1, 2), (0, 2, 3)], np.int32)
    sky = vertex_ambient_occlusion(vertices, normals, triangles, rays=2000, reach_m=0.2)
    assert abs(sky[4] - 0.5) < 0.03


def test_tongue_inside_the_head_is_dark_and_the_skin_is_not(plain_rig):
    sky = rig_ambient_occlusion(plain_rig)
    tongue = np.unique(plain_rig.triangles[plain_rig.triangle_material == 4])
    skin = np.unique(plain_rig.triangles[plain_rig.triangle_material == 0])
    assert sky[skin].mean() > 0.9
    assert sky[tongue].mean() < 0.7 * sky[skin].mean()
    assert np.array_equal(sky, rig_ambient_occlusion(plain_rig))


def test_the_mouths_inside_is_dark_behind_closed_lips_and_not_in_an_open_mouth(anny):
    """Lit as with the mouth open, teeth shone through the slit of a closed one."""
    rig, _ = rig_from_template(anny, "anny")
    resting = rig_ambient_occlusion(rig)
    names = [material.name for material in rig.materials]

    def of(name):
        return np.unique(rig.triangles[rig.triangle_material == names.index(name)])

    closed = posed_ambient_occlusion(rig, resting, rig.vertices)
    jaw = rig.shape_deltas[rig.shape_index["jawOpen"]]
    opened = posed_ambient_occlusion(rig, resting, rig.vertices + jaw)
    teeth = of("teeth")
    front = teeth[rig.vertices[teeth, 2] > np.quantile(rig.vertices[teeth, 2], 0.7)]
    assert closed[front].mean() < 0.5 * resting[front].mean()
    assert opened[front].mean() > 2 * closed[front].mean()
    for name in ("skin", "eye"):
        np.testing.assert_array_equal(closed[of(name)], resting[of(name)])
