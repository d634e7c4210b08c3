"""Several meshes in one z-buffer: what is nearer hides, whatever mesh it belongs to."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.rig import Material
from mien_training.cameras import look_at_camera, project
from mien_training.rendering.head_renderer import HeadRenderer
from mien_training.rendering.scene.scene_mesh import PARTS, PlacedMesh, SceneMesh, part_index

CAMERA = look_at_camera((0, 0, 0.7), (0, 0, 0), 0.4, 120, 120)
GREEN = Material("hair", color=(0.0, 0.9, 0.0))


def square(part, material=GREEN):
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return SceneMesh(part, faces, corners, material, np.ones(4, np.float32))


def at(z, half=0.03, x=0.0):
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) * half
    return PlacedMesh(np.c_[corners + [x, 0], np.full(4, z)].astype(np.float32))


@pytest.fixture
def renderer(plain_rig):
    made = HeadRenderer(plain_rig)
    made.set_meshes([square("glasses"), square("hair")])
    return made


def test_nearer_meshes_hide_the_head_and_farther_ones_are_hidden(renderer, plain_rig):
    head = HeadRenderer(plain_rig).visible(plain_rig.vertices, CAMERA) >= 0
    placed = (at(0.2), at(-0.3, 0.04))
    maps = renderer.label_maps(plain_rig.vertices, CAMERA, placed)
    pixels, _ = project(CAMERA, placed[0].vertices)
    inside = np.zeros(head.shape, np.bool_)
    left, top = np.ceil(pixels.min(0) - 0.5).astype(int)
    right, bottom = np.floor(pixels.max(0) - 0.5).astype(int)
    inside[top : bottom + 1, left : right + 1] = True
    np.testing.assert_array_equal(maps.part == PARTS.index("glasses"), inside)
    assert not (maps.part == PARTS.index("hair")).any()  # behind the head
    assert (maps.part[head & ~inside] < 5).all()
    np.testing.assert_allclose(maps.depth_m[inside], 0.5, atol=1e-5)
    image = renderer.render(plain_rig.vertices, CAMERA, placed=placed)
    middle = image[60, 60].astype(int)
    assert middle[1] > middle[0] + 40 and middle[1] > middle[2] + 40


def test_a_mesh_outside_the_head_widens_the_image(renderer, plain_rig):
    placed = (at(0.0, 0.01, x=0.125), at(-0.3, 0.04))
    bare = HeadRenderer(plain_rig).coverage(plain_rig.vertices, CAMERA)
    both = renderer.coverage(plain_rig.vertices, CAMERA, placed)
    (x, y), _ = project(CAMERA, [0.125, 0.0, 0.0])
    assert bare[int(y), int(x)] == 0 and both[int(y), int(x)] == 1


def test_normals_that_are_given_shade_and_are_labelled(renderer, plain_rig):
    given = np.tile(np.float32([0.6, 0.0, 0.8]), (4, 1))
    placed = (PlacedMesh(at(0.2).vertices, given), at(-0.3, 0.04))
    maps = renderer.label_maps(plain_rig.vertices, CAMERA, placed)
    np.testing.assert_allclose(
        maps.normals[maps.part == PARTS.index("glasses")][:, 0], 0.6, atol=1e-5
    )
    plain = renderer.render(plain_rig.vertices, CAMERA, placed=(at(0.2), at(-0.3, 0.04)))
    assert not np.array_equal(
        renderer.render(plain_rig.vertices, CAMERA, placed=placed)[60, 60], plain[60, 60]
    )


def test_without_meshes_the_head_is_drawn_as_ever(renderer, plain_rig):
    renderer.set_meshes(())
    expected = HeadRenderer(plain_rig).render(plain_rig.vertices, CAMERA)
    np.testing.assert_array_equal(renderer.render(plain_rig.vertices, CAMERA), expected)


def test_materials_change_under_the_other_meshes(renderer, plain_rig):
    placed = (at(0.2), at(-0.3, 0.04))
    before = renderer.render(plain_rig.vertices, CAMERA, placed=placed)
    renderer.set_materials(tuple(Material(m.name) for m in plain_rig.materials))
    after = renderer.render(plain_rig.vertices, CAMERA, placed=placed)
    np.testing.assert_array_equal(before[60, 60], after[60, 60])
    assert not np.array_equal(before, after)


def test_wrong_meshes_are_refused(renderer, plain_rig):
    with pytest.raises(InputError, match="placed meshes"):
        renderer.render(plain_rig.vertices, CAMERA, placed=(at(0.2),))
    with pytest.raises(InputError, match="part 'nose'"):
        square("nose")
    with pytest.raises(InputError, match="triangles"):
        SceneMesh("hair", np.array([[0, 1, 9]], np.int32), np.zeros((3, 2), np.float32), GREEN,
                  np.ones(3, np.float32))  # fmt: skip
    with pytest.raises(InputError, match="uvs"):
        SceneMesh("hair", np.zeros((0, 3), np.int32), np.zeros((3, 3), np.float32), GREEN,
                  np.ones(3, np.float32))  # fmt: skip
    assert part_index("lenses") == PARTS.index("other") and part_index("skin") == 0
