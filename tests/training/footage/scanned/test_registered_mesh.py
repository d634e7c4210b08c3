"""Registrations round trip as arrays and as meshes; other topologies are refused."""

import numpy as np
import pytest
import trimesh

from mien.errors import InputError
from mien_training.footage.scanned.registered_mesh import read_registered, write_registered


def test_round_trips(head_template, tmp_path):
    vertices = 1000 * head_template.vertices.astype(np.float64) + 7
    write_registered(tmp_path / "1.npz", head_template, vertices)
    np.testing.assert_array_equal(read_registered(tmp_path / "1.npz", head_template), vertices)
    np.savez(tmp_path / "bare.npz", vertices=vertices)
    np.testing.assert_array_equal(read_registered(tmp_path / "bare.npz", head_template), vertices)
    mesh = trimesh.Trimesh(vertices, head_template.triangles, process=False)
    for suffix in ("ply", "obj", "glb"):
        mesh.export(tmp_path / f"1.{suffix}")
        back = read_registered(tmp_path / f"1.{suffix}", head_template)
        np.testing.assert_allclose(back, vertices, atol=1e-3)


def test_other_topologies_are_refused(head_template, anny, tmp_path):
    vertices, triangles = head_template.vertices, head_template.triangles
    write_registered(tmp_path / "theirs.npz", anny, vertices)
    with pytest.raises(InputError, match=r"theirs\.npz: field 'topology_sha256'.*'anny'"):
        read_registered(tmp_path / "theirs.npz", head_template)
    np.savez(tmp_path / "few.npz", vertices=vertices[1:])
    with pytest.raises(InputError, match=r"few\.npz: vertices .* expected .* topology"):
        read_registered(tmp_path / "few.npz", head_template)
    np.savez(tmp_path / "empty.npz", other=vertices)
    with pytest.raises(InputError, match=r"empty\.npz: field 'vertices' is missing"):
        read_registered(tmp_path / "empty.npz", head_template)
    np.savez(tmp_path / "nan.npz", vertices=np.full_like(vertices, np.nan))
    with pytest.raises(InputError, match=r"nan\.npz: vertices hold NaN"):
        read_registered(tmp_path / "nan.npz", head_template)
    order = np.random.default_rng(0).permutation(len(vertices))
    shuffled = trimesh.Trimesh(vertices[order], np.argsort(order)[triangles], process=False)
    shuffled.export(tmp_path / "shuffled.ply")
    with pytest.raises(InputError, match=r"shuffled\.ply: its triangles join other vertices"):
        read_registered(tmp_path / "shuffled.ply", head_template)
    (tmp_path / "not.obj").write_bytes(b"\xff\x00")
    with pytest.raises(InputError, match=r"not\.obj"):
        read_registered(tmp_path / "not.obj", head_template)
    with pytest.raises(InputError, match=r"a\.stl: expected"):
        read_registered(tmp_path / "a.stl", head_template)
