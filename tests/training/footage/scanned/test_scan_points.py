"""Points of meshes lie on them, clouds keep theirs; what is empty is refused."""

import numpy as np
import pytest
import trimesh

from mien.errors import InputError
from mien_training.footage.scanned.scan_points import read_scan_points


def test_of_a_mesh(tmp_path):
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.1)
    ball.export(tmp_path / "ball.ply")
    found = read_scan_points(tmp_path / "ball.ply", 2000)
    away = np.linalg.norm(found.points, axis=1)
    assert len(away) == 2000 and away.max() <= 0.1 + 1e-6 and away.min() > 0.0995
    assert (found.normals * found.points / away[:, None]).sum(1).min() > 0.99
    assert abs(found.points.mean(0)).max() < 0.01  # evenly
    again = read_scan_points(tmp_path / "ball.ply", 2000)
    np.testing.assert_array_equal(again.points, found.points)


def cloud(path, points, normals=None):
    columns = "xyz" if normals is None else ("x", "y", "z", "nx", "ny", "nz")
    head = ["ply", "format ascii 1.0", f"element vertex {len(points)}",
            *(f"property float {c}" for c in columns), "end_header"]  # fmt: skip
    table = points if normals is None else np.concatenate([points, normals], 1)
    rows = [" ".join(f"{v:.6f}" for v in row) for row in table]
    path.write_text("\n".join([*head, *rows]) + "\n")


def test_of_a_cloud_with_and_without_normals(tmp_path):
    points = np.random.default_rng(0).normal(size=(300, 3)).round(4)
    cloud(tmp_path / "bare.ply", points)
    bare = read_scan_points(tmp_path / "bare.ply")
    np.testing.assert_allclose(bare.points, points, atol=1e-6)
    assert not bare.normals.any()
    cloud(tmp_path / "turned.ply", points, 2 * points)
    turned = read_scan_points(tmp_path / "turned.ply", 250)
    assert len(turned.points) == 250
    unit = turned.points / np.linalg.norm(turned.points, axis=1, keepdims=True)
    np.testing.assert_allclose(turned.normals, unit, atol=1e-3)


def test_of_a_binary_cloud_with_normals(tmp_path):
    points = np.random.default_rng(0).normal(size=(300, 3)).astype("<f4")
    columns = "".join(f"property float {c}\n" for c in ("x", "y", "z", "nx", "ny", "nz"))
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex 300\n{columns}end_header\n"
    data = np.concatenate([points, np.tile(np.float32([0, 0, 3]), (300, 1))], 1).tobytes()
    (tmp_path / "cloud.ply").write_bytes(head.encode() + data)
    found = read_scan_points(tmp_path / "cloud.ply")
    np.testing.assert_allclose(found.points, points)
    np.testing.assert_array_equal(found.normals, np.tile([0, 0, 1], (300, 1)))


def test_nonsense_is_refused(tmp_path):
    cloud(tmp_path / "few.ply", np.zeros((5, 3)))
    with pytest.raises(InputError, match=r"few\.ply: 5 points, expected at least 200"):
        read_scan_points(tmp_path / "few.ply")
    cloud(tmp_path / "nan.ply", np.full((300, 3), np.nan))
    with pytest.raises(InputError, match=r"nan\.ply: .*NaN"):
        read_scan_points(tmp_path / "nan.ply")
    flat = trimesh.Trimesh(np.zeros((3, 3)), [[0, 1, 2]], process=False)
    flat.export(tmp_path / "flat.ply")
    with pytest.raises(InputError, match=r"flat\.ply: 0 points"):
        read_scan_points(tmp_path / "flat.ply")
    (tmp_path / "not.ply").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"not\.ply: cannot be read"):
        read_scan_points(tmp_path / "not.ply")
    with pytest.raises(InputError, match=r"none\.ply: there is no such file"):
        read_scan_points(tmp_path / "none.ply")
    with pytest.raises(InputError, match=r"a\.stl: expected"):
        read_scan_points(tmp_path / "a.stl")
