"""PLY files say what the meshes are, polygons as authored."""

from types import SimpleNamespace

import numpy as np
import pytest
import trimesh
from support.captured import captured_meshes

from mien_training.capture.output.take_ply import write_take_ply


@pytest.fixture(scope="module")
def meshes(head_template):
    return captured_meshes(3, len(head_template.vertices), failure=("", "lost", ""))


def test_every_good_moment_has_a_file_that_others_read(meshes, head_template, tmp_path):
    out = write_take_ply(tmp_path, meshes, head_template)
    assert sorted(p.name for p in out.iterdir()) == ["frame_000000.ply", "frame_000002.ply"]
    found = trimesh.load(out / "frame_000002.ply", process=False)
    np.testing.assert_array_equal(found.vertices.astype(np.float32), meshes.vertices[2])
    np.testing.assert_array_equal(found.faces, head_template.triangles)


def test_quads_stay_quads(tmp_path):
    corners = np.array([[0, 1, 2, 3], [3, 2, 4, 5]], np.int32)
    sheet = SimpleNamespace(polygons=corners, triangles=None)
    data = (
        write_take_ply(tmp_path, captured_meshes(1, 6), sheet) / "frame_000000.ply"
    ).read_bytes()
    assert b"element face 2\n" in data
    found = trimesh.load(tmp_path / "ply" / "frame_000000.ply", process=False)
    assert sorted(map(sorted, found.faces.tolist()))[0] == [0, 1, 2] and len(found.faces) == 4


def test_what_lies_there_is_not_written_again(meshes, head_template, tmp_path):
    path = write_take_ply(tmp_path, meshes, head_template) / "frame_000000.ply"
    path.write_bytes(b"as it was")
    write_take_ply(tmp_path, meshes, head_template)
    assert path.read_bytes() == b"as it was"
