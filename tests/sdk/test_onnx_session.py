"""Sessions open where they are asked to, or say why not; nothing falls back silently."""

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from support.packages import tiny_animator

from mien.errors import InputError, MienError, MissingExtraError
from mien.onnx_session import open_session, provider_names

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@pytest.mark.parametrize("asked", [None, "cpu", CPU, ["cpu"], (CPU,)])
def test_the_cpu_has_several_names(asked):
    assert provider_names(asked) == (CPU,)
    session = open_session(tiny_animator(), "net", asked, threads=2)
    assert session.get_providers() == [CPU]
    assert session.get_session_options().intra_op_num_threads == 2


@pytest.mark.parametrize("asked", ["cuda", CUDA, ("cuda", "cpu")])
def test_cuda_that_is_not_installed_names_its_extra(asked, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    with pytest.raises(MissingExtraError, match=r"mien\[gpu\]"):
        open_session(tiny_animator(), "net", asked)


def test_cuda_that_does_not_start_is_an_error(monkeypatch):
    """ONNX Runtime itself only warns and takes the CPU, as where the driver is missing."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda model, options, providers, **_: real(model, options, providers=[CPU]),
    )
    with pytest.raises(MienError, match="net: CUDAExecutionProvider was asked for and does not"):
        open_session(tiny_animator(), "net", "cuda")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"providers": "gpu"}, "provider 'gpu' is not available"),
        ({"providers": ()}, "the list is empty"),
        ({"threads": 0}, "net: threads is 0"),
    ],
)
def test_wrong_settings(options, message):
    with pytest.raises(InputError, match=message):
        open_session(tiny_animator(), "net", **options)


def test_a_model_that_cannot_be_loaded():
    with pytest.raises(InputError, match="net: ONNX Runtime cannot load it"):
        open_session(b"not a model", "net")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_a_small_model_cannot_ask_for_gigabytes_while_it_is_loaded():
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `export`)")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    size = numpy_helper.from_array(np.array([1 << 28], np.int64), "size")
    value = numpy_helper.from_array(np.array([1.0], np.float32))
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["huge"], value=value),
        helper.make_node("ReduceSum", ["huge"], ["y"], keepdims=0),
    ]
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [])
    graph = helper.make_graph(nodes, "bomb", [], [y], [size])
    opset = [helper.make_opsetid("", 15)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    code = (
        "import sys; from mien.onnx_session import open_session\n"
        "open_session(sys.stdin.buffer.read(), 'bomb', fold_constants=False)\n"
        # ru_maxrss would count what the parent held when it forked.
        "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=model, capture_output=True)
    assert len(model) < 200 and int(done.stdout) < 500_000, done.stderr  # KiB; folded: over a GiB
