"""Expressions of VRM avatars say which targets are which shape; so do their licences."""

import json

import pytest

from mien.errors import InputError
from mien_training.templates.gltf.gltf_head import build_gltf
from mien_training.templates.gltf.reading.gltf_file import GltfFile
from mien_training.templates.gltf.reading.vrm import vrm_expressions, vrm_licence


def file_with(folder, extensions, nodes=({"mesh": 2},)):
    path = folder / "ada.gltf"
    path.write_text(json.dumps(
        {"asset": {"version": "2.0"}, "nodes": list(nodes), "extensions": extensions}
    ))  # fmt: skip
    return GltfFile(path)


def group(name, binds, preset="unknown"):
    return {"name": name, "presetName": preset, "binds": binds}


def test_version_0(tmp_path):
    bind = {"mesh": 1, "index": 3, "weight": 50}
    groups = [group("JawOpen", [bind]), group("A", [bind]), group("Blink_L", [bind], "blink_l"),
              group("Fun", [bind]), {"name": "MouthClose"}]  # fmt: skip
    vrm = {"blendShapeMaster": {"blendShapeGroups": groups}}
    found = vrm_expressions(file_with(tmp_path, {"VRM": vrm}))
    assert found == {1: {"jawOpen": {3: 0.5}, "eyeBlinkLeft": {3: 0.5}}}


def test_version_1(tmp_path):
    bind = {"node": 0, "index": 4, "weight": 1.0}
    expressions = {
        "preset": {"blinkRight": {"morphTargetBinds": [bind]}, "aa": {"morphTargetBinds": [bind]}},
        "custom": {"cheekPuff": {"morphTargetBinds": [bind, bind | {"index": 5}]}},
    }
    found = vrm_expressions(file_with(tmp_path, {"VRMC_vrm": {"expressions": expressions}}))
    assert found == {2: {"eyeBlinkRight": {4: 1.0}, "cheekPuff": {4: 1.0, 5: 1.0}}}


@pytest.mark.parametrize(
    "extensions",
    [{"VRM": {"blendShapeMaster": []}},
     {"VRM": {"blendShapeMaster": {"blendShapeGroups": [group("JawOpen", [{"mesh": 0}])]}}},
     {"VRMC_vrm": {"expressions": {"custom": {"jawOpen": {"morphTargetBinds": [{"node": 9}]}}}}}],
)  # fmt: skip
def test_broken_expressions(tmp_path, extensions):
    with pytest.raises(InputError, match=r"ada\.gltf: .*VRM"):
        vrm_expressions(file_with(tmp_path, extensions))


def test_licences(tmp_path):
    meta = {"title": "Ada", "author": "me", "licenseName": "CC0"}
    assert vrm_licence(file_with(tmp_path, {"VRM": {"meta": meta}})) == "Ada, by me, licence: CC0"
    meta = {"name": "Ada", "authors": ["me", "you"], "licenseUrl": "https://vrm.dev/licenses/1.0/"}
    found = vrm_licence(file_with(tmp_path, {"VRMC_vrm": {"meta": meta}}))
    assert found == "Ada, by me, you, licence: https://vrm.dev/licenses/1.0/"
    assert vrm_licence(file_with(tmp_path, {})) is None


def test_a_broken_licence(tmp_path):
    with pytest.raises(InputError, match=r"field 'authors' is 5"):
        vrm_licence(file_with(tmp_path, {"VRMC_vrm": {"meta": {"authors": 5}}}))


def test_a_real_file_without_arkit_shapes_is_told_what_it_lacks(shared_data):
    path = shared_data("vrm_spec/VRMC_vrm_expressions_isBinary_Overridden.vrm")
    with pytest.raises(InputError, match=r"0 morph targets carry ARKit names.*HEAD\.json.*shapes"):
        build_gltf(path)
