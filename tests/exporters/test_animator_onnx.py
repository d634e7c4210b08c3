"""The animator's graph against two other implementations: onnx's reference and torch."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from support.animators import CHANNELS, small_weights

from mien.errors import InputError
from mien_exporters.animator_onnx import FORMAT, animator_graph, animator_onnx
from mien_exporters.animator_weights import AnimatorWeights
from mien_exporters.onnx_rules import ALLOWED_OPS, check_engine_rules

OUTPUTS = ["channels", "hn", "cn"]


def torch_run(w: AnimatorWeights, x, h0, c0) -> list[np.ndarray]:
    """The formulas of AnimatorWeights, with torch's own LSTM."""
    lstm = torch.nn.LSTM(len(w.embed_b), w.hidden_size, batch_first=True)
    names = {"weight_ih_l0": w.lstm_w_ih, "weight_hh_l0": w.lstm_w_hh}
    names |= {"bias_ih_l0": w.lstm_b_ih, "bias_hh_l0": w.lstm_b_hh}
    lstm.load_state_dict({name: torch.tensor(a) for name, a in names.items()})
    with torch.no_grad():
        p = torch.tensor((x - w.mean) @ w.projection)
        e = torch.tanh(p @ torch.tensor(w.embed_w).T + torch.tensor(w.embed_b))
        h, (hn, cn) = lstm(e, (torch.tensor(h0), torch.tensor(c0)))
        y = torch.cat([h, e, p], -1) @ torch.tensor(np.hstack([w.out_w, w.skip_w])).T
        y = y + torch.tensor(w.out_b)
    return [y.clamp(0, 1).numpy(), hn.numpy(), cn.numpy()]


def feed(batch: int, time: int, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {"x": (batch, time, 56), "h0": (1, batch, 12), "c0": (1, batch, 12)}
    return {name: rng.normal(0, 0.7, s).astype(np.float32) for name, s in shapes.items()}


def ort(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(("batch", "time"), [(1, 1), (2, 7), (1, 400)])
def test_three_implementations_agree(batch: int, time: int) -> None:
    weights = small_weights()
    model = animator_graph(weights, 30.0, "CC0-1.0")
    values = feed(batch, time)
    expected = torch_run(weights, **values)
    runtime = ort(model.SerializeToString()).run(OUTPUTS, values)
    for want, got in zip(expected, runtime, strict=True):
        assert got.shape == want.shape and got.dtype == np.float32
        np.testing.assert_allclose(got, want, atol=1e-5, rtol=0)
    # onnx's reference LSTM does not tell its cell state.
    reference = ReferenceEvaluator(model).run(OUTPUTS[:2], values)
    for want, got in zip(expected[:2], reference, strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, atol=1e-5, rtol=0)
    if time == 400:  # or the comparison would be of a constant
        assert expected[0].min() == 0.0 and expected[0].max() == 1.0
        assert expected[0].std(axis=1).min() > 0.05


def test_single_steps_equal_one_run() -> None:
    session = ort(animator_onnx(small_weights(), 30.0, "CC0-1.0"))
    values = feed(1, 400)
    whole = session.run(OUTPUTS, values)
    state, parts = {"h0": values["h0"], "c0": values["c0"]}, []
    for t in range(400):
        y, hn, cn = session.run(OUTPUTS, {"x": values["x"][:, t : t + 1], **state})
        state = {"h0": hn, "c0": cn}
        parts.append(y)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole[0], atol=1e-6, rtol=0)
    np.testing.assert_allclose(state["h0"], whole[1], atol=1e-6, rtol=0)
    np.testing.assert_allclose(state["c0"], whole[2], atol=1e-6, rtol=0)


def test_a_batch_equals_its_parts() -> None:
    session = ort(animator_onnx(small_weights(), 30.0, "CC0-1.0"))
    values = feed(3, 9)
    whole = session.run(OUTPUTS, values)[0]
    for b in range(3):
        one = {name: a[b : b + 1] if name == "x" else a[:, b : b + 1] for name, a in values.items()}
        np.testing.assert_allclose(session.run(OUTPUTS, one)[0][0], whole[b], atol=1e-6, rtol=0)


def test_the_graph_keeps_the_rules_and_tells_what_it_is() -> None:
    model = animator_graph(small_weights(), 29.97, "CC-BY-4.0", {"commit": "abc"})
    onnx.checker.check_model(model, full_check=True)
    check_engine_rules(model)
    assert {node.op_type for node in model.graph.node} <= ALLOWED_OPS
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names) == 14 and all(names)
    props = {p.key: p.value for p in model.metadata_props}
    assert (props["format"], props["rate_hz"], props["licence"]) == (FORMAT, "29.97", "CC-BY-4.0")
    assert props["channels"].split(",") == list(CHANNELS) and props["commit"] == "abc"
    assert props["features"] == "scores:52,head_rotation:3,dt:1"


def test_same_weights_same_bytes() -> None:
    a, b = (animator_onnx(small_weights(5), 30.0, "CC0-1.0") for _ in range(2))
    assert a == b != animator_onnx(small_weights(6), 30.0, "CC0-1.0")


def test_metadata_cannot_replace_the_graphs_own() -> None:
    with pytest.raises(InputError, match=r"metadata \['licence'\]"):
        animator_graph(small_weights(), 30.0, "CC0-1.0", {"licence": "other"})
