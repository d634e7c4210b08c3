"""What an ONNX model really takes and gives, to be held against what a manifest says."""

from __future__ import annotations

from typing import Any

from mien.errors import PackageError
from mien.manifest import ModelSignature, Tensor
from mien.onnx_content import check_model_content

__all__ = ["check_signature", "read_signature", "signature_of"]

_DTYPES = {"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(uint8)": "uint8"}


def read_signature(data: bytes, where: str) -> ModelSignature:
    """The signature of the ONNX model in `data`.

    Raises PackageError if ONNX Runtime cannot load it, and for a model that is not complete in
    these bytes (`mien.onnx_content`): the answer is the same in every working directory.
    """
    import onnxruntime

    check_model_content(data, where)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # a refusal is told once, by the error below
    # Nothing is run here, so nothing needs optimising.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(
            data, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as reason:  # ONNX Runtime has no common base below Exception
        first_line = str(reason).splitlines()[0] if str(reason) else type(reason).__name__
        raise PackageError(f"{where}: ONNX Runtime cannot load it: {first_line}") from None
    return signature_of(session, where)


def signature_of(session: Any, where: str) -> ModelSignature:
    """The signature of an `onnxruntime.InferenceSession`."""
    return ModelSignature(
        tuple(_tensor(t, where) for t in session.get_inputs()),
        tuple(_tensor(t, where) for t in session.get_outputs()),
    )


def _tensor(value: Any, where: str) -> Tensor:
    if value.type not in _DTYPES:
        raise PackageError(
            f"{where}: tensor {value.name!r} is a {value.type}, expected one of "
            f"{', '.join(_DTYPES.values())}"
        )
    unnamed = [axis for axis, size in enumerate(value.shape) if size is None]
    if unnamed:
        raise PackageError(
            f"{where}: axis {unnamed[0]} of tensor {value.name!r} has neither a size nor a name"
        )
    return Tensor(value.name, _DTYPES[value.type], tuple(value.shape))


def check_signature(found: ModelSignature, expected: ModelSignature, where: str) -> None:
    """Raises PackageError, naming the first tensor that differs from what the manifest says."""
    for kind in ("inputs", "outputs"):
        have: tuple[Tensor, ...] = getattr(found, kind)
        want: tuple[Tensor, ...] = getattr(expected, kind)
        for i in range(max(len(have), len(want))):
            a = _shown(have[i]) if i < len(have) else "nothing"
            b = _shown(want[i]) if i < len(want) else "nothing"
            if a != b:
                raise PackageError(
                    f"{where}: {kind[:-1]} {i} of the model is {a}, the manifest says {b}"
                )


def _shown(tensor: Tensor) -> str:
    return f"{tensor.name} {tensor.dtype}[{', '.join(map(str, tensor.shape))}]"
