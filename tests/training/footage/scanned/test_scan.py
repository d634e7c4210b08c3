"""Scans from files: what is read, and what is refused by name."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from mien.errors import InputError
from mien_training.footage.scanned.scan import Scan, read_scan


@pytest.fixture
def ball():
    return trimesh.creation.icosphere(2, 0.1)


@pytest.fixture
def picture(tmp_path):
    """Red above, green below."""
    image = np.zeros((8, 8, 3), np.uint8)
    image[:4, :, 0] = 200
    image[4:, :, 1] = 200
    path = tmp_path / "colours.png"
    Image.fromarray(image).save(path)
    return path


def textured(ball, path, named):
    uv = np.column_stack([np.full(len(ball.vertices), 0.5), ball.vertices[:, 1] / 0.2 + 0.5])
    image = Image.open(path)
    material = trimesh.visual.texture.SimpleMaterial(image=image if named else None)
    return trimesh.Trimesh(
        ball.vertices, ball.faces, process=False,
        visual=trimesh.visual.TextureVisuals(uv=uv, material=material),
    )  # fmt: skip


def save(mesh, path):
    path.write_bytes(
        data.encode() if isinstance(data := mesh.export(file_type=path.suffix[1:]), str) else data
    )
    return path


@pytest.mark.parametrize("suffix", ["obj", "ply", "glb"])
def test_every_format_gives_the_same_surface(ball, tmp_path, suffix):
    scan = read_scan(save(ball, tmp_path / f"ball.{suffix}"), units="cm")
    assert scan.metres_per_unit == 0.01
    places, triangles = scan.welded()
    assert len(triangles) == len(ball.faces) and len(places) == len(ball.vertices)
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 0.1, atol=1e-6)
    np.testing.assert_allclose(scan.normals, scan.vertices / 0.1, atol=0.03)


def test_a_texture_is_upright_and_turns_over(ball, picture, tmp_path):
    scan = read_scan(save(textured(ball, picture, True), tmp_path / "ball.glb"))
    assert scan.texture.shape == (8, 8, 3) and scan.metres_per_unit is None
    high = scan.vertices[scan.triangles].mean(1)[:, 1] > 0.06
    thirds = np.full((high.sum(), 3), 1 / 3)
    np.testing.assert_allclose(
        scan.colour_at(np.flatnonzero(high), thirds), [[200, 0, 0]] * high.sum()
    )
    over = scan.flipped().colour_at(np.flatnonzero(high), thirds)
    np.testing.assert_allclose(over, [[0, 200, 0]] * high.sum())
    np.testing.assert_allclose(scan.flipped().flipped().uvs, scan.uvs, atol=1e-12)


def test_a_picture_beside_the_mesh(ball, picture, tmp_path):
    path = save(textured(ball, picture, False), tmp_path / "ball.ply")
    path = save(textured(ball, picture, True), tmp_path / "other.glb")
    blue = tmp_path / "blue.png"
    Image.new("RGB", (4, 4), (0, 0, 250)).save(blue)
    assert (read_scan(path, texture=blue).texture == [0, 0, 250]).all()


def test_colours_of_vertices(ball, tmp_path):
    ball.visual.vertex_colors = np.tile([10, 20, 30, 255], (len(ball.vertices), 1))
    scan = read_scan(save(ball, tmp_path / "ball.ply"))
    at = scan.colour_at(np.array([0, 5]), np.full((2, 3), 1 / 3))
    np.testing.assert_allclose(at, [[10, 20, 30]] * 2)


def test_flat_triangles_are_dropped(ball, tmp_path):
    faces = np.concatenate([ball.faces, [[0, 1, 1], [2, 2, 2]]])
    mesh = trimesh.Trimesh(ball.vertices, faces, process=False)
    assert len(read_scan(save(mesh, tmp_path / "b.ply")).triangles) == len(ball.faces)


def test_colourless_is_grey():
    scan = Scan("x", np.eye(3), np.array([[0, 1, 2]]))
    assert np.ptp(scan.colour_at(np.array([0]), np.full((1, 3), 1 / 3))) == 0
    assert scan.flipped() is scan


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.stl", b"solid", r"expected a \.glb"),
        ("a.glb", b"glTF\x02\0\0\0", r"a\.glb: cannot be read"),
        ("a.ply", b"not a ply at all", r"a\.ply: cannot be read"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", r"a\.obj: (holds no triangles|cannot be read)"),
        ("b.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", r"b\.obj: 1 triangles with area"),
        ("c.obj", b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", r"c\.obj: positions hold NaN"),
        ("e.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", r"e\.obj: "),
        ("d.ply", b"", r"d\.ply: "),
    ],
)
def test_hostile_files_are_refused_by_name(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=expected):
        read_scan(path)


def test_other_refusals(ball, picture, tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_scan(tmp_path / "none.glb")
    path = save(ball, tmp_path / "ball.ply")
    with pytest.raises(InputError, match="units 'furlong', expected one of m, cm"):
        read_scan(path, units="furlong")
    with pytest.raises(InputError, match="has no texture coordinates"):
        read_scan(path, texture=picture)
    textured_path = save(textured(ball, picture, True), tmp_path / "t.glb")
    with pytest.raises(InputError, match="not an image"):
        read_scan(textured_path, texture=path)
    flat = ball.copy()
    flat.vertices *= 0
    with pytest.raises(InputError, match="0 triangles with area"):
        read_scan(save(flat, tmp_path / "flat.ply"))
