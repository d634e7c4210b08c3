"""Labels of one image agree with each other, and with the mesh."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import project
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.rendering.scene.scene_mesh import PARTS
from mien_training.synthetic.factory import LabelSpec, PersonSpec, draw_sequence
from mien_training.synthetic.performance_spec import PerformanceSpec


@pytest.fixture(scope="module")
def drawn(anny, factory_spec):
    return draw_sequence(factory_spec.sequence, anny, 11)


@pytest.fixture(scope="module")
def frames(drawn, factory_spec):
    return list(drawn.frames(factory_spec.labels, 4))


def places(frame):
    """(N, 3) world points of the pixels that show something, from depth and camera alone."""
    rows, columns = np.nonzero(frame.part >= 0)
    pixel = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], 1)
    ray = pixel @ np.linalg.inv(frame.camera.K).T
    seen = ray * frame.depth_m[rows, columns, None]
    view = frame.camera.camera_from_world
    return (seen - view[:3, 3]) @ view[:3, :3], rows, columns


def test_every_moment_is_seen_by_every_camera(frames):
    assert [(f.view, f.sequence, f.identity, f.in_time) for f in frames] == [
        (0, 4, -1, False), (1, 4, -1, False)
    ] * 2  # fmt: skip
    assert np.array_equal(frames[0].vertices, frames[1].vertices)
    assert not np.array_equal(frames[0].vertices, frames[2].vertices)
    assert not np.array_equal(frames[0].image, frames[1].image)


def test_landmarks_are_the_mesh_seen_by_the_camera(frames, anny):
    for frame in frames:
        points = anny.landmarks.positions(frame.vertices, anny.triangles)
        np.testing.assert_allclose(frame.landmarks, points, atol=1e-7)
        pixels, _ = project(frame.camera, points)
        np.testing.assert_allclose(frame.landmarks_px, pixels, atol=1e-3)


def test_depth_lies_on_the_mesh_where_the_head_is_seen(frames, anny):
    for frame in frames:
        points, rows, columns = places(frame)
        hair = frame.part[rows, columns] == PARTS.index("hair")
        assert 0.02 < hair.mean() < 0.8
        distance = nearest_on_surface(frame.vertices, anny.triangles, points).distance
        assert distance[~hair].max() < 2e-5
        assert np.median(distance[hair]) > 1e-3  # above the scalp


def test_parts_and_uvs_are_those_of_the_triangle_seen(drawn, frames):
    for index, frame in enumerate(frames):
        posed = drawn.pose(frame.weights, drawn.performance.angles[index // 2])
        rig = drawn.rig
        seen = drawn.renderer.visible(posed.vertices, frame.camera, posed.placed)
        head = (seen >= 0) & (seen < len(rig.triangles))
        expected = np.full(seen.shape, -1)
        expected[head] = rig.triangle_material[seen[head]]
        expected[seen >= len(rig.triangles)] = PARTS.index("hair")
        np.testing.assert_array_equal(frame.part, expected)
        corners = rig.uvs[rig.triangles[seen[head]]]
        assert (frame.uv[head] >= corners.min(1) - 1e-5).all()
        assert (frame.uv[head] <= corners.max(1) + 1e-5).all()
        assert not frame.uv[seen < 0].any()


def test_normals_are_unit_and_face_the_camera(frames):
    for frame in frames:
        points, rows, columns = places(frame)
        normal = frame.normals[rows, columns]
        np.testing.assert_allclose(np.linalg.norm(normal, axis=1), 1, atol=1e-5)
        assert ((frame.camera.centre - points) * normal).sum(1).min() > -1e-6
        assert not frame.normals[frame.part < 0].any()


def test_the_mask_is_where_more_than_half_a_pixel_is_covered(drawn, frames):
    for index, frame in enumerate(frames):
        posed = drawn.pose(frame.weights, drawn.performance.angles[index // 2])
        coverage = drawn.renderer.coverage(posed.vertices, frame.camera, posed.placed)
        np.testing.assert_array_equal(frame.mask, coverage > 0.5)
        whole = (coverage == 0) | (coverage == 1)
        # Samples lie beside the centre: a ribbon thinner than a pixel may pass between them.
        assert (frame.mask != (frame.part >= 0))[whole].mean() < 2e-3
        # No image leaves the background where nothing is.
        behind = drawn.backgrounds[frame.view]
        np.testing.assert_array_equal(frame.image[coverage == 0], behind[coverage == 0])


def test_hair_hides_the_head_and_goes_with_it(drawn, frames):
    bare = replace(drawn, hair=None)
    drawn.renderer.set_meshes(())
    try:
        without = next(iter(bare.frames(LabelSpec(), 4)))
    finally:
        drawn.renderer.set_meshes((drawn.hair.mesh,))
    hair = frames[0].part == PARTS.index("hair")
    assert (without.part != PARTS.index("hair")).all()
    np.testing.assert_array_equal(frames[0].part[~hair], without.part[~hair])
    still = drawn.pose(0 * frames[0].weights, np.zeros(3))
    turned = drawn.pose(0 * frames[0].weights, np.array([0.3, 0.1, 0.0]))
    matrix = turned.world_from_head
    moved = still.placed[0].vertices @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(turned.placed[0].vertices, moved, atol=1e-5)


def test_a_sequence_is_a_function_of_its_seed_whatever_came_before(anny, factory_spec):
    person = PersonSpec(hair="any", strands=200, texture_side=64)
    spec = replace(factory_spec.sequence, person=person)
    spec = replace(spec, performance=PerformanceSpec("sparse", 1), degradation="strong")
    first = [f.image for f in draw_sequence(spec, anny, 3).frames()]
    other = [f.image for f in draw_sequence(spec, anny, 4).frames()]
    again = [f.image for f in draw_sequence(spec, anny, 3).frames()]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_only_the_labels_asked_for_are_made(drawn):
    frame = next(iter(drawn.frames(LabelSpec(part=False))))
    assert frame.part is None and frame.depth_m is None and frame.vertices is None


def test_a_template_of_one_person_has_nobody_else(anny, factory_spec):
    spec = replace(factory_spec.sequence, person=PersonSpec(identity=3))
    with pytest.raises(InputError, match="one person only"):
        draw_sequence(spec, replace(anny, identity=None), 1)
