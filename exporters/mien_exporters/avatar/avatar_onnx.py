"""An avatar's network as an ONNX graph that game engines load.

splats.onnx: channels[batch,K], head_rotation[batch,4] -> coefficients[batch,D]. head_rotation:
quaternion xyzw of camera_from_rig, of any length above 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien.avatar.playback.coefficient_model import network_tensors
from mien_exporters.avatar.avatar_run import AvatarRun
from mien_exporters.onnx_rules import IR_VERSION, OPSET, check_engine_rules

__all__ = ["avatar_onnx"]

_PAIRS = ((0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Products of a quaternion's components that a rotation matrix is made of."""


def avatar_onnx(run: AvatarRun, channels: Sequence[str], coefficients: Sequence[str]) -> bytes:
    """The network for channels (K,) in this order: those that it does not know count nothing, those
    that it lacks are taken to be 0. The same run gives the same bytes."""
    index = {name: k for k, name in enumerate(run.channel_names)}
    matrix, offset = run.layers[0]
    first = np.zeros((len(matrix), len(channels) + 6), np.float32)
    first[:, len(channels) :] = matrix[:, len(run.channel_names) :]
    for column, name in enumerate(channels):
        if name in index:
            first[:, column] = matrix[:, index[name]]
    left, right = (np.array(column, np.int64) for column in zip(*_PAIRS, strict=True))
    tensors: dict[str, NDArray[Any]] = {
        "left": left, "right": right, "view_of_products": _view_of_products(),
        "length_of_products": _length_of_products(),
    }  # fmt: skip
    nodes = [
        _node("Gather", ["head_rotation", "left"], "left_parts", axis=1),
        _node("Gather", ["head_rotation", "right"], "right_parts", axis=1),
        _node("Mul", ["left_parts", "right_parts"], "products"),
        _node("MatMul", ["products", "view_of_products"], "scaled_view"),
        _node("MatMul", ["products", "length_of_products"], "square_length"),
        _node("Div", ["scaled_view", "square_length"], "view"),
        _node("Concat", ["channels", "view"], "codes", axis=1),
    ]
    now = "codes"
    layers = [(first, offset), *run.layers[1:]]
    for k, (weights, bias) in enumerate(layers):
        last = k == len(layers) - 1
        tensors |= {f"layer_{k}": np.ascontiguousarray(weights.T), f"offset_{k}": bias}
        nodes.append(_node("MatMul", [now, f"layer_{k}"], f"product_{k}"))
        now = "coefficients" if last else f"sum_{k}"
        nodes.append(_node("Add", [f"product_{k}", f"offset_{k}"], now))
        if not last:
            nodes.append(_node("Relu", [now], f"hidden_{k}"))
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


def _view_of_products() -> NDArray[np.float32]:
    """(10, 6) -> the matrix's first two columns, row by row, times the quaternion's length squared.

    With |q| = 1, 1 - 2 (y^2 + z^2) is x^2 - y^2 - z^2 + w^2: so no length has to be 1."""
    view = np.zeros((len(_PAIRS), 6), np.float32)
    row = {pair: k for k, pair in enumerate(_PAIRS)}
    x, y, z, w = range(4)
    view[[row[x, x], row[y, y], row[z, z], row[w, w]], 0] = 1, -1, -1, 1
    view[[row[x, y], row[z, w]], 1] = 2, -2
    view[[row[x, y], row[z, w]], 2] = 2, 2
    view[[row[x, x], row[y, y], row[z, z], row[w, w]], 3] = -1, 1, -1, 1
    view[[row[x, z], row[y, w]], 4] = 2, -2
    view[[row[y, z], row[x, w]], 5] = 2, 2
    return view


def _length_of_products() -> NDArray[np.float32]:
    return np.array([[float(a == b)] for a, b in _PAIRS], np.float32)


def _node(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **attributes)
