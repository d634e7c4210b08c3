"""The animated GLB plays the captured meshes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien.glb import read_rig, read_weights_animation
from mien.rig import Material
from mien_exporters.gltf_buffers import split_glb
from mien_training.capture.output.take_glb import take_glb
from mien_training.footage.captured import CapturedMeshes
from mien_training.head import MATERIALS, rig_from_template

MOMENTS = 12


@pytest.fixture(scope="module")
def meshes(head_template):
    """A head that opens its mouth and turns."""
    opened = np.sin(np.arange(MOMENTS)) ** 2
    rest = head_template.vertices + opened[:, None, None] * head_template.shape_deltas[0]
    pose = np.tile(np.eye(4), (MOMENTS, 1, 1))
    pose[:, :3, :3] = Rotation.from_euler("y", 0.1 * np.arange(MOMENTS)[:, None]).as_matrix()
    pose[:, :3, 3] = 0.02 * np.arange(MOMENTS)[:, None]
    vertices = rest @ pose[:, :3, :3].transpose(0, 2, 1) + pose[:, None, :3, 3]
    count = len(head_template.vertices)
    return CapturedMeshes(
        template="spheres", topology_sha256="0" * 64, frame=np.arange(MOMENTS),
        time_s=np.arange(MOMENTS) / 30, vertices=vertices.astype(np.float32), world_from_head=pose,
        confidence=np.ones((MOMENTS, count), np.float16),
        views=np.full((MOMENTS, count), 3, np.uint8),
        spread_m=np.full((MOMENTS, count), 1e-3, np.float16),
        failure=("", "", "lost", *[""] * (MOMENTS - 3)),
    )  # fmt: skip


MATERIAL = tuple(Material(name) for name in MATERIALS)


def json_of(data):
    import json

    return json.loads(split_glb(data)[0])


def test_it_plays_the_meshes(meshes, head_template):
    data, shapes = take_glb(meshes, head_template, MATERIAL)
    good = meshes.take(np.flatnonzero(meshes.good))
    rig, clip = read_rig(data), read_weights_animation(data)
    np.testing.assert_allclose(clip.times_s, good.time_s - good.time_s[0], atol=1e-6)
    source = rig_from_template(head_template, "x", None, MATERIAL)[1]
    weights = np.stack([clip[name] for name in rig.shape_names], 1)
    heads = rig.vertices + np.tensordot(weights, rig.shape_deltas, 1)
    np.testing.assert_allclose(heads, good.in_head()[:, source], atol=1e-5)
    assert shapes.error_m < 5e-5


def test_the_root_carries_the_head(meshes, head_template):
    data, _ = take_glb(meshes, head_template, MATERIAL)
    document, binary = json_of(data), split_glb(data)[1]
    root = document["skins"][0]["skeleton"]
    tracks = {
        channel["target"]["path"]: document["animations"][0]["samplers"][channel["sampler"]]
        for channel in document["animations"][0]["channels"]
        if channel["target"]["node"] == root
    }

    def values(path):
        accessor = document["accessors"][tracks[path]["output"]]
        view = document["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0)
        flat = np.frombuffer(binary[start : start + view["byteLength"]], "<f4")
        return flat.reshape(accessor["count"], -1)

    good = meshes.take(np.flatnonzero(meshes.good))
    turn = Rotation.from_quat(values("rotation")).as_matrix()
    joint = np.array(head_template.joints[0].position)
    where = np.einsum("txy,y->tx", turn, -joint) + values("translation")
    np.testing.assert_allclose(turn, good.world_from_head[:, :3, :3], atol=1e-6)
    np.testing.assert_allclose(where, good.world_from_head[:, :3, 3], atol=1e-6)
    node = document["nodes"][root]
    np.testing.assert_allclose(node["translation"], values("translation")[0])


def test_one_moment_alone_is_a_still(meshes, head_template):
    data, shapes = take_glb(meshes.take(slice(0, 1)), head_template, MATERIAL)
    assert "animations" not in json_of(data) and not len(shapes.deltas)
    source = rig_from_template(head_template, "x", None, MATERIAL)[1]
    np.testing.assert_allclose(read_rig(data).vertices, meshes.in_head()[0][source], atol=1e-6)


def test_the_same_take_gives_the_same_bytes(meshes, head_template):
    assert (
        take_glb(meshes, head_template, MATERIAL)[0] == take_glb(meshes, head_template, MATERIAL)[0]
    )


def test_failures_alone_are_refused(meshes, head_template):
    lost = replace(meshes, failure=("lost",) * MOMENTS)
    with pytest.raises(InputError, match="every moment is a failure"):
        take_glb(lost, head_template, MATERIAL)
