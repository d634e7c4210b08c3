"""The atlas travels as a second set of texture coordinates; a plain reader sees the same rig."""

import json

import numpy as np
import pygltflib as gltf
import pytest
from support.rigs import sphere_rig
from support.wrinkles import sphere_detail, wrinkled_package

from mien.errors import InputError
from mien.package import CHARACTER, read_package
from mien_exporters.detail.detail_files import detail_files
from mien_exporters.detail.detail_glb import with_detail
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_buffers import split_glb


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return read_package(wrinkled_package(tmp_path_factory.mktemp("detail") / "sphere.mien"))


def test_places_and_extras(package):
    text, binary = split_glb(package.read_bytes(CHARACTER))
    document = gltf.GLTF2.from_json(text)
    (mesh,) = document.meshes
    indices = {p.attributes.TEXCOORD_1 for p in mesh.primitives}
    assert len(indices) == 1
    accessor = document.accessors[indices.pop()]
    view = document.bufferViews[accessor.bufferView]
    places = np.frombuffer(binary, np.float32, 2 * accessor.count, view.byteOffset).reshape(-1, 2)
    np.testing.assert_array_equal(places, sphere_detail().places)
    (skin,) = [m for m in json.loads(text)["materials"] if m["name"] == "skin"]
    assert skin["normalTexture"]["texCoord"] == 1 and skin["normalTexture"]["scale"] == 0.75
    assert skin["extras"]["mienDetail"]["channels"] == list(package.manifest.channels)
    assert skin["extras"]["mienDetail"]["regions"] == list(package.manifest.detail.regions)
    assert all("normalTexture" not in m for m in json.loads(text)["materials"] if m != skin)


def test_the_rig_is_the_same(package):
    rig, plain = package.rig(), sphere_rig()
    np.testing.assert_array_equal(rig.vertices, plain.vertices)
    np.testing.assert_array_equal(rig.shape_deltas, plain.shape_deltas)


def test_other_meshes_and_heads_without_skin_are_refused():
    run = sphere_detail()
    _, entry = detail_files(run, run.channel_names, None)
    glb = rig_to_glb(sphere_rig())
    names = {m["name"] for m in json.loads(split_glb(glb)[0])["materials"]}
    if "skin" not in names:
        with pytest.raises(InputError, match="expected one named 'skin'"):
            with_detail(glb, run, entry, run.channel_names, b"png")
