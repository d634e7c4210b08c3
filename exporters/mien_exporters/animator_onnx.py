"""The animator as an ONNX graph that game engines load: fourteen nodes, built by hand.

torch's own exporters freeze the length of a sequence when there is an LSTM in it, and choose
operators that engines lack; the graph is small enough to be written out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien.errors import InputError
from mien_exporters.animator_weights import AnimatorWeights
from mien_exporters.onnx_rules import IR_VERSION, OPSET, check_engine_rules, check_output_shapes

__all__ = ["FORMAT", "animator_graph", "animator_onnx"]

FORMAT = "mien.animator 1"
"""Format and version of the graph's interface, in its metadata."""


def animator_graph(
    weights: AnimatorWeights,
    rate_hz: float,
    licence: str,
    metadata: Mapping[str, str] | None = None,
) -> onnx.ModelProto:
    """x[batch,time,F], h0[1,batch,H], c0 -> channels[batch,time,C] in 0..1, hn, cn.

    `rate_hz` is the frame rate of the training data, `licence` the character's; both, the names of
    channels and features, and further `metadata` go into the model's metadata. Opset 15, IR 8, by
    the rules of `onnx_rules`; the same weights give the same bytes. Raises InputError.
    """
    own = {
        "format": FORMAT,
        "rate_hz": f"{rate_hz:g}",
        "licence": licence,
        "channels": ",".join(weights.channel_names),
        "channels_sha256": _hash(weights.channel_names),
        "features": ",".join(f"{name}:{size}" for name, size in weights.groups),
        "features_sha256": _hash([f"{name}:{size}" for name, size in weights.groups]),
    }
    taken = sorted(set(own) & set(metadata or {}))
    if taken:
        raise InputError(f"animator graph: metadata {taken} are the graph's own, choose others")
    f, h, c = weights.feature_size, weights.hidden_size, len(weights.channel_names)
    graph = helper.make_graph(
        _nodes(h),
        "animator",
        [
            _value("x", "batch", "time", f),
            _value("h0", 1, "batch", h),
            _value("c0", 1, "batch", h),
        ],
        [
            _value("channels", "batch", "time", c),
            _value("hn", 1, "batch", h),
            _value("cn", 1, "batch", h),
        ],
        [numpy_helper.from_array(a, name) for name, a in _initializers(weights).items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="mien",
    )
    helper.set_model_props(model, {**own, **(metadata or {})})
    check_engine_rules(model)
    check_output_shapes(model)
    return model


def animator_onnx(
    weights: AnimatorWeights,
    rate_hz: float,
    licence: str,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """`animator_graph` as the bytes of an .onnx file."""
    graph = animator_graph(weights, rate_hz, licence, metadata)
    return bytes(graph.SerializeToString(deterministic=True))


def _nodes(hidden: int) -> list[onnx.NodeProto]:
    def node(kind: str, inputs: str, output: str, **attributes: object) -> onnx.NodeProto:
        # "-" stands for an optional input that is left out.
        names = ["" if name == "-" else name for name in inputs.split()]
        outputs = output.split()
        return helper.make_node(kind, names, outputs, name=f"{kind}_{outputs[0]}", **attributes)

    return [
        node("Sub", "x mean", "centred"),
        node("MatMul", "centred embed_w", "embed_product"),
        node("Add", "embed_product embed_b", "embed_sum"),
        node("Tanh", "embed_sum", "embedding"),
        # ONNX's LSTM takes time first.
        node("Transpose", "embedding", "embedding_tbe", perm=[1, 0, 2]),
        node(
            "LSTM", "embedding_tbe lstm_w lstm_r lstm_b - h0 c0", "hidden_tdbh hn cn",
            hidden_size=hidden,
        ),
        node("Squeeze", "hidden_tdbh direction_axis", "hidden_tbh"),
        node("Transpose", "hidden_tbh", "hidden", perm=[1, 0, 2]),
        node("Concat", "hidden embedding", "joined", axis=2),
        node("MatMul", "joined out_w", "out_product"),
        node("MatMul", "centred skip_w", "skip_product"),
        node("Add", "out_product skip_product", "out_both"),
        node("Add", "out_both out_b", "out_sum"),
        node("Clip", "out_sum zero one", "channels"),
    ]  # fmt: skip


def _initializers(weights: AnimatorWeights) -> dict[str, NDArray[np.generic]]:
    # Whitening is linear: one matrix with the embedding, and one with the linear part.
    projection = weights.projection.astype(np.float64)
    embed = projection @ weights.embed_w.T.astype(np.float64)
    skip = projection @ weights.skip_w.T.astype(np.float64)
    biases = [_gates(weights.lstm_b_ih), _gates(weights.lstm_b_hh)]
    return {
        "mean": weights.mean,
        "embed_w": embed.astype(np.float32),
        "embed_b": weights.embed_b,
        "lstm_w": _gates(weights.lstm_w_ih)[None],
        "lstm_r": _gates(weights.lstm_w_hh)[None],
        "lstm_b": np.concatenate(biases)[None],
        "direction_axis": np.array([1], np.int64),
        "out_w": np.ascontiguousarray(weights.out_w.T),
        "skip_w": skip.astype(np.float32),
        "out_b": weights.out_b,
        "zero": np.array(0.0, np.float32),
        "one": np.array(1.0, np.float32),
    }


def _gates(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows by gate, from torch's order (input, forget, cell, output) to ONNX's (i, o, f, c)."""
    i, f, c, o = np.split(array, 4)
    return np.concatenate([i, o, f, c])


def _value(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _hash(names: tuple[str, ...] | list[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
