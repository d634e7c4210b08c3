"""Packages that open, with a file in them that is of no use: named when it is read or verified."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import replace

import onnx
import pytest
from support.damaged_packages import SOUND, altered_same_size, packed, with_file
from support.packages import tiny_animator
from support.rigs import sphere_rig

from mien.errors import PackageError
from mien.package import read_package, verify_package
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_buffers import glb_bytes


def external_weights() -> bytes:
    """The animator with its output matrix in another file."""
    model = onnx.load_from_string(SOUND["animator.onnx"])
    onnx.external_data_helper.set_external_data(model.graph.initializer[3], "weights.bin")
    model.graph.initializer[3].ClearField("raw_data")
    return bytes(model.SerializeToString())


READING: dict[str, tuple[Callable[[], bytes], str]] = {
    "altered, same size": (altered_same_size, "animator.onnx: altered: its SHA-256"),
    "not the model of the manifest": (
        lambda: with_file("animator.onnx", tiny_animator(inputs=60)),
        r"animator.onnx: input 0 of the model is x float32\[batch, time, 60\], the manifest says "
        r"x float32\[batch, time, 56\]",
    ),
    "not a model": (
        lambda: with_file("animator.onnx", b"not a model"),
        "animator.onnx: is not a valid ONNX model",
    ),
    "model with external data": (
        lambda: with_file("animator.onnx", external_weights()),
        "animator.onnx: tensor 'out_w' lies in another file",
    ),
    "joints of other names": (
        lambda: with_file("character.glb", other_joints()),
        r"character.glb: has no joint 'neck' \(its joints: head_root, nek, head, leftEye, right",
    ),
    "not a GLB": (
        lambda: with_file("character.glb", b"not a GLB at all, but text"),
        "character.glb: .* begins with b'not ', expected b'glTF'",
    ),
    "another head's GLB": (
        lambda: with_file("character.glb", other_head()),
        r"morph targets are not the manifest's channels \(only in the GLB: cheekPuff; only in "
        r"the manifest: browInnerUp\)",
    ),
}


def other_head() -> bytes:
    return rig_to_glb(replace(sphere_rig(), shape_names=("jawOpen", "mouthSmileLeft", "cheekPuff")))


def other_joints() -> bytes:
    glb = rig_to_glb(sphere_rig())
    size = struct.unpack_from("<I", glb, 12)[0]
    text = glb[20 : 20 + size].replace(b'"neck"', b'"nek"').decode()
    return glb_bytes(text.rstrip(), glb[28 + size :])


@pytest.mark.parametrize("damage", READING)
def test_refused_when_verified(damage: str) -> None:
    make, message = READING[damage]
    data = make()
    package = read_package(data)  # contents are checked when they are read
    (problem,) = verify_package(data).problems
    assert re.search(message, problem)
    if "model" in damage and "manifest" not in damage:
        with pytest.raises(PackageError, match=r"animator\.onnx: (tensor|is not a valid)"):
            package.read_bytes("animator.onnx")
    if "GLB" in damage or "joints" in damage:
        with pytest.raises(PackageError, match=message):
            package.rig()


def test_bit_rot_in_a_stored_file_is_seen() -> None:
    data = bytearray(packed(SOUND))
    data[data.index(SOUND["character.glb"]) + 5000] ^= 0x10
    (problem,) = verify_package(bytes(data)).problems
    assert "character.glb: altered: its CRC-32" in problem
