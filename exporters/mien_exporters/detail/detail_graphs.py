"""Skin detail as ONNX graphs that game engines load.

detail.onnx: channels[batch,C] -> weights[batch,R], -1 fully compressed, +1 fully stretched.
detail_map.onnx: weights[batch,R] -> displacement[batch,1,S,S], metres, and normal[batch,3,S,S] in
tangent space, unit length, green up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien_exporters.detail.detail_run import DetailRun
from mien_exporters.onnx_rules import IR_VERSION, OPSET, check_engine_rules

__all__ = ["detail_map_onnx", "detail_onnx"]

Float32Array = NDArray[np.float32]
_MASK_SIDE = 64
"""Of the masks inside the graph: regions are soft, and 36 masks are its largest part."""


def detail_onnx(run: DetailRun, channels: Sequence[str]) -> bytes:
    """The wrinkle network for channels (C,) in this order: those that it does not know count
    nothing, those that it lacks are taken to be 0. The same run gives the same bytes."""
    index = {name: k for k, name in enumerate(run.channel_names)}
    first = np.zeros((len(run.layers[0]), len(channels)), np.float32)
    for column, name in enumerate(channels):
        if name in index:
            first[:, column] = run.layers[0][:, index[name]]
    layers = [first, *run.layers[1:]]
    nodes, tensors, now = [], {}, "channels"
    for k, layer in enumerate(layers):
        tensors[f"layer_{k}"] = np.ascontiguousarray(layer.T)
        nodes.append(_node("MatMul", [now, f"layer_{k}"], f"product_{k}"))
        now = f"product_{k}"
        if k < len(layers) - 1:
            nodes.append(_node("Relu", [now], f"hidden_{k}"))
            now = f"hidden_{k}"
    tensors |= {"least": np.array(-1, np.float32), "most": np.array(1, np.float32)}
    nodes.append(_node("Clip", [now, "least", "most"], "weights"))
    return _model(
        "detail", nodes, tensors, [("channels", ("batch", len(channels)))],
        [("weights", ("batch", len(run.region_names)))],
        {"format": "mien.detail 1", "regions": ",".join(run.region_names),
         "channels": ",".join(channels)},
    )  # fmt: skip


def detail_map_onnx(run: DetailRun, size: int) -> bytes:
    """The blended map of `size` texels a side, intensity 1."""
    masks = _resized(run.masks, min(_MASK_SIDE, run.masks.shape[-1]))
    regions, side = masks.shape[0], masks.shape[-1]
    maps = _resized(run.maps, size)
    tangents = _resized(run.tangent_from_atlas, size)
    slope = np.zeros((2, 1, 3, 3), np.float32)
    slope[0, 0, 1] = slope[1, 0, :, 1] = 0.5 * size * np.array([-1, 0, 1])
    tensors: dict[str, NDArray[np.generic]] = {
        "masks": masks.reshape(regions, -1), "mask_shape": np.array([-1, 1, side, side]),
        "scales": np.array([1, 1, size / side, size / side], np.float32),
        "static": maps[None, :1], "compressed": maps[None, 1:2], "stretched": maps[None, 2:],
        "slope": slope, "tangent": tangents[None, 0], "bitangent": tangents[None, 1],
        "colour": np.array([1]), "one": np.ones(1, np.float32),
        "up": np.ones((1, 1, size, size), np.float32),
    }  # fmt: skip
    nodes = [_node("Neg", ["weights"], "opposite")]
    for kind, sign in (("compressed", "opposite"), ("stretched", "weights")):
        nodes += [
            _node("Relu", [sign], f"{kind}_weights"),
            _node("MatMul", [f"{kind}_weights", "masks"], f"{kind}_flat"),
            _node("Reshape", [f"{kind}_flat", "mask_shape"], f"{kind}_small"),
            _node(
                "Resize", [f"{kind}_small", "", "scales"], f"{kind}_share", mode="linear",
                coordinate_transformation_mode="half_pixel",
            ),
            _node("Mul", [f"{kind}_share", kind], f"{kind}_part"),
        ]  # fmt: skip
    nodes += [
        _node("Add", ["compressed_part", "stretched_part"], "dynamic"),
        _node("Add", ["dynamic", "static"], "displacement"),
        _node("Conv", ["displacement", "slope"], "slopes", pads=[1, 1, 1, 1]),
    ]
    for axis in ("tangent", "bitangent"):
        nodes += [
            _node("Mul", ["slopes", axis], f"{axis}_parts"),
            _node("ReduceSum", [f"{axis}_parts", "colour"], f"{axis}_slope", keepdims=1),
            _node("Neg", [f"{axis}_slope"], f"{axis}_down"),
            _node("Mul", [f"{axis}_slope", f"{axis}_slope"], f"{axis}_square"),
        ]
    nodes += [
        _node("Add", ["tangent_square", "bitangent_square"], "squares"),
        _node("Add", ["squares", "one"], "square_length"),
        _node("Sqrt", ["square_length"], "length"),
        _node("Sub", ["tangent_square", "tangent_square"], "nothing"),
        _node("Add", ["nothing", "up"], "outwards"),
        _node("Concat", ["tangent_down", "bitangent_down", "outwards"], "direction", axis=1),
        _node("Div", ["direction", "length"], "normal"),
    ]
    return _model(
        "detail_map", nodes, tensors, [("weights", ("batch", regions))],
        [("displacement", ("batch", 1, size, size)), ("normal", ("batch", 3, size, size))],
        {"format": "mien.detail_map 1", "regions": ",".join(run.region_names)},
    )  # fmt: skip


def _resized(images: Float32Array, size: int) -> Float32Array:
    """(..., S, S) -> (..., size, size): means of blocks where that is coarser, else bilinear."""
    side = images.shape[-1]
    if side % size == 0:
        block = side // size
        shape = (*images.shape[:-2], size, block, size, block)
        return np.asarray(images.reshape(shape).mean((-3, -1)), np.float32)
    at = ((np.arange(size) + 0.5) * side / size - 0.5).clip(0, side - 1)
    low = np.floor(at).astype(int)
    high, share = np.minimum(low + 1, side - 1), (at - low).astype(np.float32)
    rows = images[..., low, :] * (1 - share)[:, None] + images[..., high, :] * share[:, None]
    return np.asarray(rows[..., low] * (1 - share) + rows[..., high] * share, np.float32)


def _node(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **attributes)


def _model(
    name: str, nodes: list[onnx.NodeProto], tensors: dict[str, NDArray[np.generic]],
    inputs: list[tuple[str, tuple[int | str, ...]]],
    outputs: list[tuple[str, tuple[int | str, ...]]], metadata: dict[str, str],
) -> bytes:  # fmt: skip
    def values(of: list[tuple[str, tuple[int | str, ...]]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in of]

    graph = helper.make_graph(
        nodes, name, values(inputs), values(outputs),
        [numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in tensors.items()],
    )  # fmt: skip
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="mien",
    )  # fmt: skip
    helper.set_model_props(model, metadata)
    check_engine_rules(model)
    return bytes(model.SerializeToString(deterministic=True))
