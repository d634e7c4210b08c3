"""A small, sound character package for tests: the sphere rig and a one-layer LSTM animator."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mien.manifest import Consent, Manifest
from mien.model_signature import read_signature
from mien.rig import Rig
from mien_exporters.gltf import rig_to_glb
from support.rigs import sphere_rig

FEATURES = ("scores", "head_rotation")
FEATURE_SIZE = 55
HIDDEN = 4


def tiny_animator(inputs: int = FEATURE_SIZE + 1, channels: int = 3, seed: int = 0) -> bytes:
    """x[batch,time,inputs], h0, c0 -> channels[batch,time,channels], hn, cn: one LSTM, Sigmoid."""
    rng = np.random.default_rng(seed)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.normal(0, 0.1, shape).astype(np.float32), name)

    def value(name: str, *shape: Any) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    nodes = [
        helper.make_node("Transpose", ["x"], ["x_tbf"], "to_time_major", perm=[1, 0, 2]),
        helper.make_node(
            "LSTM", ["x_tbf", "w", "r", "b", "", "h0", "c0"], ["y", "hn", "cn"], "lstm",
            hidden_size=HIDDEN,
        ),
        helper.make_node("Squeeze", ["y", "axis"], ["y_tbh"], "one_direction"),
        helper.make_node("Transpose", ["y_tbh"], ["y_bth"], "to_batch_major", perm=[1, 0, 2]),
        helper.make_node("MatMul", ["y_bth", "out_w"], ["logits"], "head"),
        helper.make_node("Sigmoid", ["logits"], ["channels"], "squash"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            value("x", "batch", "time", inputs),
            value("h0", 1, "batch", HIDDEN),
            value("c0", 1, "batch", HIDDEN),
        ],
        [
            value("channels", "batch", "time", channels),
            value("hn", 1, "batch", HIDDEN),
            value("cn", 1, "batch", HIDDEN),
        ],
        [
            weight("w", 1, 4 * HIDDEN, inputs),
            weight("r", 1, 4 * HIDDEN, HIDDEN),
            weight("b", 1, 8 * HIDDEN),
            weight("out_w", HIDDEN, channels),
            numpy_helper.from_array(np.array([1], np.int64), "axis"),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8, producer_name="mien"
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def tiny_content(rig: Rig | None = None) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest (without file entries) and the files of a sound package."""
    rig = sphere_rig() if rig is None else rig
    animator = tiny_animator(channels=len(rig.shape_names))
    manifest = Manifest(
        name="Sphere",
        id="sphere-0",
        licence="CC0-1.0",
        consent=Consent("synthetic", "A sphere; nobody is shown."),
        channels=rig.shape_names,
        features=FEATURES,
        feature_size=FEATURE_SIZE,
        rate_hz=30.0,
        models={"animator.onnx": read_signature(animator, "animator.onnx")},
        provenance={"seed": 0, "stages": {"animator": {"vertex_error_mm": 0.25}}},
    )
    return manifest, {"character.glb": rig_to_glb(rig), "animator.onnx": animator}
