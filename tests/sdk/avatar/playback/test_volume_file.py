"""A damaged file of a volume is refused, with its name and the table."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.packages import tiny_content
from support.volume_avatars import sphere_volume, volume_package

from mien.avatar.playback.volume_file import read_volume_model
from mien.budget import Budget
from mien.errors import InputError, PackageError
from mien.package import package_bytes, read_package, verify_package
from mien_exporters.avatar.volume.volume_files import volume_files
from mien_exporters.gltf_buffers import glb_bytes, split_glb

RUN = sphere_volume()
FILES, ENTRY = volume_files(RUN, RUN.channel_names)
GLB = FILES[ENTRY.volume]
HERE = "s.mien: avatar/volume.glb"


def told(document):
    return document["meshes"][0]["extras"]["mienAvatar"]


def with_json(change) -> bytes:
    text, binary = split_glb(GLB)
    document = json.loads(text)
    change(document)
    return glb_bytes(json.dumps(document), binary)


def with_values(table: str, index: int, value: float) -> bytes:
    """The file with one number of a table changed in place."""
    text, binary = split_glb(GLB)
    document = json.loads(text)
    accessor = document["accessors"][told(document)["tables"][table]]
    view = document["bufferViews"][accessor["bufferView"]]
    dtype = {5125: "<u4", 5126: "<f4"}[accessor["componentType"]]
    blob = bytearray(binary)
    count = view["byteLength"] // 4
    np.frombuffer(blob, dtype, offset=view["byteOffset"], count=count)[index] = value
    return glb_bytes(text, bytes(blob))


def test_it_is_what_was_written():
    model, expected = read_volume_model(GLB, ENTRY, HERE), RUN.model
    for name in ("chosen", "offsets_m", "triangles", "thickness_m", "still", "lift_m"):
        np.testing.assert_array_equal(getattr(model, name), getattr(expected, name))
    mine, theirs = (m.pose(RUN.vertices) for m in (model, expected))
    np.testing.assert_array_equal(mine.positions, theirs.positions)
    assert (model.reach_m, model.below_m) == (expected.reach_m, expected.below_m)


def test_a_head_without_hair():
    none = {"chosen": np.zeros(0, np.int32), "offsets_m": np.zeros(0, np.float32)}
    bald = sphere_volume(weights={**RUN.weights, "own": np.zeros((0, 6), np.float32)}, **none)
    files, entry = volume_files(bald, bald.channel_names)
    model = read_volume_model(files[entry.volume], entry, HERE)
    assert len(model) == len(model.anchors.texel) == entry.anchors


DAMAGE = {
    "cut": (lambda: GLB[: len(GLB) // 2], "header says"),
    "no extras": (lambda: with_json(lambda d: d["meshes"][0].pop("extras")), "'extras'"),
    "a version": (lambda: with_json(lambda d: told(d).update(version=2)), "'version' is 2"),
    "a kind": (lambda: with_json(lambda d: told(d).update(kind="splats")), "'kind' is 'splats'"),
    "two meshes": (lambda: with_json(lambda d: d["meshes"].append(d["meshes"][0])), "2 meshes"),
    "no table": (lambda: with_json(lambda d: told(d)["tables"].pop("still")), "'still'"),
    "vertices": (lambda: with_json(lambda d: told(d).update(vertices=9)), "extraCorners"),
    "other table": (
        lambda: with_json(lambda d: told(d)["tables"].update(thickness=told(d)["tables"]["uvs"])),
        "'type'",
    ),
    "layers gone": (lambda: with_json(lambda d: told(d)["tables"].pop("chosen")), "the manifest"),
    "corners": (lambda: with_values("shellTriangles", 0, 9999), "triangles has"),
    "chosen": (lambda: with_values("chosen", 0, 9999), "chosen has"),
    "still": (lambda: with_values("still", 0, 9999), "still has"),
    "thin": (lambda: with_values("thickness", 0, -1), "thickness_m"),
    "nan": (lambda: with_values("thickness", 0, np.nan), "thickness"),
    "layer below": (lambda: with_values("layerOffsets", 0, -1), "offsets_m"),
    "texel order": (lambda: with_values("texel", 1, 0), "texel must grow"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(name):
    made, match = DAMAGE[name]
    with pytest.raises(PackageError, match=match) as caught:
        read_volume_model(made(), ENTRY, HERE)
    assert str(caught.value).startswith(HERE)


def test_memory_is_asked_for_first():
    with pytest.raises(PackageError, match=r"budget|bytes"):
        read_volume_model(GLB, ENTRY, HERE, Budget(1000, "bytes", HERE, InputError))


@pytest.mark.parametrize(("name", "change", "words"), [
    ("anchors", {"anchors": ENTRY.anchors + 1}, "has tensors"),
    ("width", {"width": 9}, "has tensors"),
    ("vertices", {"vertices": ENTRY.vertices + 1}, "has tensors"),
    ("file", {"coarse": "avatar/none.onnx"}, r"files\.coarse' is .*does not name"),
    ("suffix", {"field": "avatar/volume.glb"}, r"expected a \.onnx file"),
    ("samples", {"samples": (0, 4)}, r"samples\.coarse' is 0"),
    ("reach", {"reach_m": 2.0}, r"shell\.reach_m' is 2, expected above 0"),
    ("no shell", {"below_m": 0.0}, r"shell\.below_m' is 0"),
])  # fmt: skip
def test_manifest_and_files_must_fit(tmp_path_factory, name, change, words):
    package = read_package(volume_package(tmp_path_factory.mktemp("v") / "sphere.mien"))
    files = {n: package.read_bytes(n) for n in package.manifest.files}
    (entry,) = package.manifest.avatars
    with pytest.raises(PackageError, match=words):
        changed = replace(package.manifest, files={}, avatars=(replace(entry, **change),))
        report = verify_package(package_bytes(changed, files))
        raise PackageError("; ".join(report.problems))


def test_a_sound_package_is_its_own_inverse(tmp_path):
    path = volume_package(tmp_path / "both.mien", splats=True)
    package = read_package(path)
    manifest = package.manifest
    assert type(manifest).from_json(manifest.to_json()) == manifest
    assert [a["kind"] for a in json.loads(manifest.to_json())["avatars"]] == ["splats", "volume"]
    assert manifest.format_version == "1.1" and verify_package(path).ok
    assert "avatars" not in tiny_content()[0].to_dict()
