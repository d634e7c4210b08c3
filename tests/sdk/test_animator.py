"""The runtime network: steps against whole runs, and every refusal."""

import numpy as np
import onnx
import pytest
from support.animators import CHANNELS, small_weights

from mien.animator import Animator, AnimatorState
from mien.errors import ChannelError, InputError
from mien.tracker.features import FeatureLayout
from mien_exporters.animator_onnx import animator_graph, animator_onnx

LAYOUT = FeatureLayout(("scores", "head_rotation"))
MODEL = animator_onnx(small_weights(), 30.0, "CC0-1.0")
F, C, H = 56, 5, 12


def animator() -> Animator:
    return Animator(MODEL, CHANNELS, LAYOUT)


def features(batch: int, time: int) -> np.ndarray:
    return np.random.default_rng(2).normal(0, 0.7, (batch, time, F)).astype(np.float32)


def test_single_steps_equal_one_run() -> None:
    network, x = animator(), features(2, 400)
    whole, last = network.run(x, network.initial_state(2))
    assert whole.shape == (2, 400, C) and whole.dtype == np.float32
    assert whole.min() == 0.0 and whole.max() == 1.0
    state, parts = network.initial_state(2), []
    for t in range(400):
        y, state = network.run(x[:, t : t + 1], state)
        parts.append(y)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-6, rtol=0)
    np.testing.assert_allclose(state.h, last.h, atol=1e-6, rtol=0)
    np.testing.assert_allclose(state.c, last.c, atol=1e-6, rtol=0)


def test_it_remembers() -> None:
    network, x = animator(), features(1, 2)
    first, state = network.run(x[:, :1], network.initial_state())
    again, _ = network.run(x[:, 1:], state)
    fresh, _ = network.run(x[:, 1:], network.initial_state())
    assert np.abs(again - fresh).max() > 1e-3
    np.testing.assert_array_equal(first, network.run(x[:, :1], network.initial_state())[0])


def test_state_has_the_networks_size() -> None:
    network = animator()
    assert network.initial_state(2).h.shape == (1, 2, H) and network.feature_size == F
    state = network.initial_state(3)
    assert state.h.shape == state.c.shape == (1, 3, H) and not state.h.any() and not state.c.any()
    with pytest.raises(InputError, match="batch is 0"):
        network.initial_state(0)


def test_a_file_gives_what_its_bytes_give(tmp_path) -> None:
    path = tmp_path / "animator.onnx"
    path.write_bytes(MODEL)
    x, network = features(1, 5), animator()
    from_file = Animator(path, CHANNELS, LAYOUT).run(x, network.initial_state())[0]
    np.testing.assert_array_equal(from_file, network.run(x, network.initial_state())[0])
    with pytest.raises(InputError, match=r"none\.onnx: cannot be read"):
        Animator(tmp_path / "none.onnx", CHANNELS, LAYOUT)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    network, x = animator(), features(1, 3).astype(np.float64)
    x[0, 1, 4] = bad
    with pytest.raises(InputError, match="x holds values that are not finite"):
        network.run(x, network.initial_state())
    state = network.initial_state()
    state.c[0, 0, 1] = bad if bad < 1e30 else np.inf
    with pytest.raises(InputError, match="c0 holds values that are not finite"):
        network.run(features(1, 3), state)


@pytest.mark.parametrize("shape", [(1, 3, F - 1), (3, F), (F,), (1, 0, F), (0, 3, F), ()])
def test_other_sizes_are_refused(shape: tuple[int, ...]) -> None:
    network = animator()
    with pytest.raises(InputError, match=r"expected \(batch, time, 56\)"):
        network.run(np.zeros(shape, np.float32), network.initial_state())


def test_other_states_and_types_are_refused() -> None:
    network = animator()
    with pytest.raises(InputError, match=r"state h0 has shape \(1, 2, 12\), expected \(1, 1, 12\)"):
        network.run(features(1, 3), network.initial_state(2))
    other = AnimatorState(np.zeros((1, 1, H), np.float32), np.zeros((1, 1, 4), np.float32))
    with pytest.raises(InputError, match="state c0 has shape"):
        network.run(features(1, 3), other)
    with pytest.raises(InputError, match="x is int64, expected floating point"):
        network.run(np.zeros((1, 3, F), np.int64), network.initial_state())


def test_models_of_another_kind_are_refused() -> None:
    with pytest.raises(InputError, match="ONNX Runtime cannot load it"):
        Animator(b"not a model", CHANNELS, LAYOUT)
    with pytest.raises(InputError, match=r"tensor x is tensor\(float\) \['batch', 'time', 56\]"):
        Animator(MODEL, CHANNELS, FeatureLayout(("scores",)))
    with pytest.raises(InputError, match="tensor channels is"):
        Animator(MODEL, CHANNELS[:3], LAYOUT)
    with pytest.raises(ChannelError, match="not unique"):
        Animator(MODEL, ("jawOpen",) * 5, LAYOUT)


def test_a_model_with_other_tensors_is_refused() -> None:
    model = animator_graph(small_weights(), 30.0, "CC0-1.0")
    model.graph.input[0].name = model.graph.node[0].input[0] = "features"
    onnx.checker.check_model(model, full_check=True)
    with pytest.raises(InputError, match=r"the model's tensors are \['features', 'h0', 'c0'"):
        Animator(model.SerializeToString(), CHANNELS, LAYOUT)
