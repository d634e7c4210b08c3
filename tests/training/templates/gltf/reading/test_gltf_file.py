"""A head that a tool packed is the head that was packed; what cannot be read is told."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from support import packed_gltf

from mien.errors import InputError, MissingExtraError
from mien_training.templates.gltf.gltf_head import build_gltf
from mien_training.templates.gltf.reading.gltf_file import GltfFile


@pytest.fixture(scope="module")
def plain(anny, tmp_path_factory):
    from mien_exporters.gltf import rig_to_glb
    from mien_training.head import rig_from_template

    path = tmp_path_factory.mktemp("plain") / "somebody.glb"
    path.write_bytes(rig_to_glb(rig_from_template(anny, "somebody")[0]))
    return path


@pytest.fixture(scope="module")
def original(plain):
    return build_gltf(plain)


def assert_same(head, original, within_m):
    assert head.shape_names == original.shape_names
    assert len(head.triangles) == len(original.triangles)
    gap, at = cKDTree(original.vertices).query(head.vertices)
    assert gap.max() < within_m
    # Teeth touch: the nearest vertex may be a neighbour's, which moves as this one does.
    assert np.abs(head.shape_deltas - original.shape_deltas[:, at]).max() < 10 * within_m
    for name, members in head.regions.items():
        assert abs(int(members.sum()) - int(original.regions[name].sum())) <= 2, name


@pytest.mark.parametrize("packing", ["quantised", "meshopt", "quantised and meshopt"])
def test_packed_head(plain, original, packing, tmp_path):
    data = plain.read_bytes()
    if "quantised" in packing:
        data = packed_gltf.quantised(data)
    if "meshopt" in packing:
        data = packed_gltf.with_meshopt(data)
    (tmp_path / "packed.glb").write_bytes(data)
    head = build_gltf(tmp_path / "packed.glb")
    assert_same(head, original, 3e-5 if "quantised" in packing else 1e-9)


def test_draco_head(plain, original, tmp_path):
    codec = pytest.importorskip("DracoPy", reason="DracoPy is not installed (extra `train`)")
    path = tmp_path / "draco.glb"
    path.write_bytes(packed_gltf.draco(plain.read_bytes(), codec.encode))
    assert_same(build_gltf(path), original, 3e-5)
    document, binary = packed_gltf.read_glb(path.read_bytes())
    view = document["bufferViews"][-1]
    start = view["byteOffset"]
    binary[start : start + view["byteLength"]] = bytes(view["byteLength"])
    path.write_bytes(packed_gltf.write_glb(document, binary))
    with pytest.raises(InputError, match=r"Draco"):
        build_gltf(path)


@pytest.mark.parametrize("method", [b"\0", b"\1\0\0"], ids=["sequential", "edgebreaker"])
def test_a_draco_bomb_is_refused_before_it_is_unpacked(plain, tmp_path, method, monkeypatch):
    codec = pytest.importorskip("DracoPy", reason="DracoPy is not installed (extra `train`)")
    monkeypatch.setattr(codec, "decode", lambda data: pytest.fail("memory is allocated"))
    claim = b"\xff\xff\xff\xff\x03"  # 2**30 - 1 vertices and as many triangles
    head = b"DRACO\2\2\1" + method[:1] + bytes(2) + method[2:]
    path = tmp_path / "draco.glb"
    path.write_bytes(packed_gltf.draco(plain.read_bytes(), lambda *_, **__: head + 2 * claim))
    with pytest.raises(InputError, match="the file unpacks to more than 64 times it"):
        build_gltf(path)


@pytest.mark.parametrize("empty", ["faces", "data"])
def test_an_empty_draco_mesh_is_refused(plain, tmp_path, empty, monkeypatch):
    codec = pytest.importorskip("DracoPy", reason="DracoPy is not installed (extra `train`)")
    path = tmp_path / "draco.glb"
    path.write_bytes(packed_gltf.draco(plain.read_bytes(), codec.encode))
    decode = codec.decode

    def emptied(data):
        mesh = decode(data)
        rows = slice(0, 0)
        attributes = [a | ({"data": a["data"][rows]} if empty == "data" else {})
                      for a in mesh.attributes]  # fmt: skip
        faces = mesh.faces[rows] if empty == "faces" else mesh.faces
        return SimpleNamespace(attributes=attributes, faces=faces)

    monkeypatch.setattr(codec, "decode", emptied)
    expected = "has no triangle" if empty == "faces" else "is empty, expected a row"
    with pytest.raises(InputError, match=rf"draco\.glb.*{expected}"):
        build_gltf(path)


def test_draco_head_without_its_library(plain, tmp_path, monkeypatch):
    import sys

    path = tmp_path / "draco.glb"
    path.write_bytes(packed_gltf.draco(plain.read_bytes(), lambda *_, **__: b"DRACO"))
    monkeypatch.setitem(sys.modules, "DracoPy", None)
    with pytest.raises(MissingExtraError, match=r"DracoPy"):
        build_gltf(path)


def test_extensions_about_textures_do_not_matter(plain, original, tmp_path):
    """No texture of a template is read: its colours are painted."""
    document, binary = packed_gltf.read_glb(plain.read_bytes())
    document["extensionsRequired"] = ["KHR_texture_basisu", "EXT_texture_webp",
                                      "KHR_texture_transform"]  # fmt: skip
    (tmp_path / "textures.glb").write_bytes(packed_gltf.write_glb(document, binary))
    assert_same(build_gltf(tmp_path / "textures.glb"), original, 1e-9)


def test_other_extensions_are_refused_with_a_way_out(plain, tmp_path):
    document, binary = packed_gltf.read_glb(plain.read_bytes())
    document["extensionsRequired"] = ["EXT_mesh_gpu_instancing"]
    (tmp_path / "odd.glb").write_bytes(packed_gltf.write_glb(document, binary))
    with pytest.raises(InputError, match=r"EXT_mesh_gpu_instancing.*npx gltfpack -noq"):
        build_gltf(tmp_path / "odd.glb")


def test_buffers_beside_the_file(plain, original, tmp_path):
    import json

    document, binary = packed_gltf.read_glb(plain.read_bytes())
    document["buffers"][0]["uri"] = "some%20bytes.bin"
    (tmp_path / "some bytes.bin").write_bytes(binary)
    (tmp_path / "somebody.gltf").write_text(json.dumps(document))
    assert_same(build_gltf(tmp_path / "somebody.gltf"), original, 1e-9)
    (tmp_path / "some bytes.bin").unlink()
    with pytest.raises(InputError, match=r"buffers\[0\].*cannot be read"):
        build_gltf(tmp_path / "somebody.gltf")


def claims(change):
    """One triangle whose JSON is changed."""
    points = np.eye(3, dtype="<f4")
    document = {
        "asset": {"version": "2.0"},
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "buffers": [{"byteLength": 36}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
    }
    change(document)
    return packed_gltf.write_glb(document, points.tobytes())


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["accessors"][0].update(count=4),
        lambda d: d["accessors"][0].update(byteOffset=4),
        lambda d: d["accessors"][0].update(componentType=5),
        lambda d: d["accessors"][0].update(type="VEC2"),
        lambda d: d["accessors"][0].update(bufferView=7),
        lambda d: d["bufferViews"][0].update(byteLength=99),
        lambda d: d["bufferViews"][0].update(buffer=1),
        lambda d: d["buffers"][0].update(uri="nowhere.bin"),
        lambda d: d["buffers"][0].update(uri="data:,%%%"),
        lambda d: d["nodes"][0].update(mesh=3),
        lambda d: d["nodes"][0].update(matrix=[1]),
        lambda d: d["meshes"][0]["primitives"][0].update(mode=1),
        lambda d: d["meshes"][0]["primitives"][0].update(indices=0),
        lambda d: d.update(nodes=[]),
        lambda d: d.update(nodes={}),
    ],
)
def test_false_claims(change, tmp_path):
    (tmp_path / "claims.glb").write_bytes(claims(change))
    with pytest.raises(InputError, match=r"claims\.glb"):
        build_gltf(tmp_path / "claims.glb")


def test_zeros_are_bounded_in_total(tmp_path):
    """Accessors without bytes of their own cost the file nothing: together they are bounded."""

    def change(document):
        zeros = {"componentType": 5126, "count": 400_000, "type": "VEC3"}
        document["accessors"] += [zeros] * 30

    (tmp_path / "zeros.glb").write_bytes(claims(change))
    file = GltfFile(tmp_path / "zeros.glb")
    with pytest.raises(InputError, match=r"unpacks to more"):
        for index in range(1, 31):
            file.numbers(_Owner(index), "at", "VEC3")


def test_shapes_of_many_vertices_are_bounded(tmp_path):
    """A kilobyte that claims vertices asks for 52 deltas of each."""

    def change(document):
        document["accessors"] += [{"componentType": 5126, "count": 200_001, "type": "VEC3"}]
        (mesh,) = document["meshes"]
        mesh["primitives"][0] |= {"attributes": {"POSITION": 1}, "targets": [{"POSITION": 1}]}
        mesh["extras"] = {"targetNames": ["jawOpen"]}

    path = tmp_path / "shapes.glb"
    path.write_bytes(claims(change))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"shapes\.glb: meshes\[0\].*unpacks to more"):
            build_gltf(path)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


def _Owner(index):
    from mien.strict_json import Fields

    return Fields({"at": index}, "owner", InputError)
