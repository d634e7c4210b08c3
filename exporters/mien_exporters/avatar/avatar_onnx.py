"""An avatar's network as an ONNX graph that game engines load.

splats.onnx: channels[batch,K], head_rotation[batch,4] -> coefficients[batch,D]. head_rotation:
quaternion xyzw of camera_from_rig, of any length above 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from mien.avatar.playback.coefficient_model import network_tensors
from mien_exporters.avatar.avatar_run import AvatarRun, Layers
from mien_exporters.avatar.code_nodes import code_nodes, columns_for, node
from mien_exporters.onnx_rules import IR_VERSION, OPSET, check_engine_rules

__all__ = ["avatar_onnx", "layers_for"]


def avatar_onnx(run: AvatarRun, channels: Sequence[str], coefficients: Sequence[str]) -> bytes:
    """The network for channels (K,) in this order: those that it does not know count nothing, those
    that it lacks are taken to be 0. The same run gives the same bytes."""
    nodes, tensors = code_nodes()
    now = "codes"
    layers = layers_for(run, channels)
    for k, (weights, bias) in enumerate(layers):
        last = k == len(layers) - 1
        tensors |= {f"layer_{k}": np.ascontiguousarray(weights.T), f"offset_{k}": bias}
        nodes.append(node("MatMul", [now, f"layer_{k}"], f"product_{k}"))
        now = "coefficients" if last else f"sum_{k}"
        nodes.append(node("Add", [f"product_{k}", f"offset_{k}"], now))
        if not last:
            nodes.append(node("Relu", [now], f"hidden_{k}"))
            now = f"hidden_{k}"
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in network_tensors(len(channels), len(run.maps))
    ]
    graph = helper.make_graph(
        nodes, "avatar", values[:2], values[2:],
        [numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in tensors.items()],
    )  # fmt: skip
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="mien",
    )  # fmt: skip
    told = {"format": "mien.avatar 1", "channels": ",".join(channels),
            "coefficients": ",".join(coefficients)}  # fmt: skip
    helper.set_model_props(model, told)
    check_engine_rules(model)
    return bytes(model.SerializeToString(deterministic=True))


def layers_for(run: AvatarRun, channels: Sequence[str]) -> Layers:
    """The run's layers, the first one's columns in the order of `channels`, then of the view."""
    matrix, offset = run.layers[0]
    return ((columns_for(matrix, run.channel_names, channels), offset), *run.layers[1:])
