"""Sessions open where they are asked to, or say why not; nothing falls back silently."""

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
        lambda model, options, providers: real(model, options, providers=[CPU]),
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
