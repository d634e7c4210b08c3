"""The GLB reader: several animations, free choices of the format. Damages: tests/hostile;
bit-exactness against the writer: tests/exporters/test_gltf.py."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from support.rigs import json_of, sphere_rig

from mien.clip import Clip
from mien.errors import InputError
from mien.glb import read_rig, read_weights_animation
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_buffers import glb_bytes


def clip(value: float) -> Clip:
    return Clip(("jawOpen",), np.array([0.0, 0.5]), np.array([[0], [value]], np.float32))


GLB = rig_to_glb(sphere_rig(), {"one": clip(0.25), "two": clip(0.75)})


def changed(**values: Any) -> bytes:
    document = json_of(GLB)
    length = len(json.dumps(document, sort_keys=True, separators=(",", ":")))
    document.update(values)
    return glb_bytes(json.dumps(document), GLB[28 + length + -length % 4 :])


def test_animations_are_chosen_by_name() -> None:
    assert read_weights_animation(GLB, "two")["jawOpen"][1] == 0.75
    assert read_weights_animation(GLB, "one")["jawOpen"][1] == 0.25
    with pytest.raises(InputError, match="expected exactly one animation, the file has: 'one', 't"):
        read_weights_animation(GLB)
    with pytest.raises(InputError, match="expected one animation 'three'"):
        read_weights_animation(GLB, "three")


def test_arrays_are_the_callers_own() -> None:
    """They do not share memory with the file's bytes, and can be written to."""
    rig = read_rig(GLB)
    for field in ("vertices", "normals", "uvs", "triangles", "shape_deltas", "joint_weights"):
        array = getattr(rig, field)
        assert array.flags.writeable and array.flags.c_contiguous, field


def test_name_comes_from_the_caller() -> None:
    assert read_rig(GLB, "Zoë").name == "Zoë"


def test_defaults_of_the_format_are_filled_in() -> None:
    document = json_of(GLB)
    bare = [{"pbrMetallicRoughness": {}} for _ in document["materials"]]
    rig = read_rig(changed(materials=bare))
    assert [m.name for m in rig.materials] == ["material_0", "material_1"]
    assert {(m.color, m.roughness, m.base_color) for m in rig.materials} == {((1, 1, 1), 1, None)}


def test_optional_extensions_are_no_obstacle() -> None:
    rig = read_rig(changed(extensionsUsed=["KHR_materials_ior"], extras={"tool": "x"}))
    assert rig.shape_names == sphere_rig().shape_names
