"""The graph gives what numpy and torch say, by two runtimes, bound by name, for any batch."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator
from support.splat_avatars import sphere_avatar

from mien.rotation import matrix_from_quaternion, unit_quaternion
from mien_exporters.avatar.avatar_onnx import avatar_onnx
from mien_exporters.onnx_rules import ALLOWED_OPS

RUN = sphere_avatar()
NAMES = tuple(f"a{k}" for k in range(len(RUN.maps)))


def both(model: bytes, feed: dict[str, np.ndarray]) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (ours,) = session.run(None, feed)
    (theirs,) = ReferenceEvaluator(onnx.load_from_string(model)).run(None, feed)
    np.testing.assert_allclose(ours, theirs, atol=2e-5)
    return ours


def inputs(batch: int, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(batch)
    return (
        rng.random((batch, channels)).astype(np.float32),
        rng.normal(0, 2, (batch, 4)).astype(np.float32),
    )


def expected(channels: np.ndarray, turns: np.ndarray) -> np.ndarray:
    view = matrix_from_quaternion(unit_quaternion(turns))[:, :, :2].reshape(len(turns), 6)
    return RUN.coefficients(np.concatenate([channels, view], 1))


@pytest.mark.parametrize("batch", [1, 2, 17])
def test_coefficients_of_channels_and_turns_of_any_length(batch):
    x, q = inputs(batch)
    model = avatar_onnx(RUN, RUN.channel_names, NAMES)
    found = both(model, {"channels": x, "head_rotation": q})
    assert found.shape == (batch, len(NAMES))
    np.testing.assert_allclose(found, expected(x, q), atol=1e-5)


def test_the_same_as_torch():
    torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")
    pytest.importorskip("scipy")
    from mien_training.avatar.bake.linear_bake import LinearBake

    x, q = inputs(9)
    view = matrix_from_quaternion(unit_quaternion(q))[:, :, :2].reshape(9, 6)
    codes = torch.from_numpy(np.concatenate([x, view], 1).astype(np.float32))
    bake = LinearBake(np.zeros((1, 16), np.float32), RUN.maps, RUN.layers, 0.0)
    found = both(avatar_onnx(RUN, RUN.channel_names, NAMES), {"channels": x, "head_rotation": q})
    np.testing.assert_allclose(found, bake.amounts(codes).numpy(), atol=1e-5)


def test_channels_are_bound_by_name():
    x, q = inputs(4)
    names = ("unknown", *RUN.channel_names[::-1])
    swapped = np.concatenate([np.ones((4, 1), np.float32), x[:, ::-1]], 1)
    found = both(avatar_onnx(RUN, names, NAMES), {"channels": swapped, "head_rotation": q})
    np.testing.assert_allclose(found, expected(x, q), atol=1e-5)
    fewer = avatar_onnx(RUN, RUN.channel_names[:2], NAMES)
    lacking = both(fewer, {"channels": x[:, :2], "head_rotation": q})
    without = (x * [1, 1, 0]).astype(np.float32)
    np.testing.assert_allclose(lacking, expected(without, q), atol=1e-5)


def test_engines_take_it_and_the_same_run_gives_the_same_bytes():
    model = avatar_onnx(RUN, RUN.channel_names, NAMES)
    assert model == avatar_onnx(sphere_avatar(), RUN.channel_names, NAMES)
    graph = onnx.load_from_string(model)
    assert {node.op_type for node in graph.graph.node} <= ALLOWED_OPS
    assert graph.opset_import[0].version == 15
