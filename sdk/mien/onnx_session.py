"""The one place that opens ONNX Runtime sessions: on which device, with how many threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mien.errors import InputError, MienError, MissingExtraError

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["Providers", "first_line", "open_session", "provider_names"]

Providers = str | Sequence[str] | None
"""Where networks run: "cpu" (None means it too), "cuda", ONNX Runtime's own names such as
"CoreMLExecutionProvider", or several of them in order of preference."""

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_SHORT = {"cpu": _CPU, "cuda": _CUDA}


def provider_names(providers: Providers) -> tuple[str, ...]:
    """ONNX Runtime's names of the providers asked for, all of them available in this installation.

    Raises MissingExtraError, naming the extra `gpu`, for CUDA that is not installed, and InputError
    for other providers that are not available. Nothing falls back to the CPU silently.
    """
    import onnxruntime

    asked = ("cpu",) if providers is None else providers
    asked = (asked,) if isinstance(asked, str) else tuple(asked)
    names = tuple(_SHORT.get(name, name) for name in asked)
    available = onnxruntime.get_available_providers()
    if not names:
        raise InputError("providers: the list is empty, expected 'cpu', 'cuda' or others")
    for name in names:
        if name in available:
            continue
        if name == _CUDA:
            raise MissingExtraError(
                "CUDA was asked for, and this ONNX Runtime has none: on a machine with an NVIDIA "
                "GPU, pip install 'mien[gpu]', then "
                "pip install --force-reinstall --no-deps onnxruntime-gpu"
            )
        raise InputError(
            f"provider {name!r} is not available; expected 'cpu', 'cuda' or one of {available}"
        )
    return names


def open_session(
    model: bytes,
    where: str,
    providers: Providers = None,
    threads: int = 1,
    blocked_layout: bool = True,
    fold_constants: bool = True,
) -> onnxruntime.InferenceSession:
    """A session of the ONNX `model`; `where` names it in messages.

    `threads` work on one run of it; 1 suits small networks best. Without `fold_constants` nothing
    is computed while a model of unknown origin is loaded: a hundred bytes can ask for gigabytes.
    Raises InputError for a model that cannot be loaded, and as `provider_names`
    does; MienError for a provider that does not start.
    """
    import onnxruntime

    if threads < 1:
        raise InputError(f"{where}: threads is {threads}, expected 1 or more")
    names = provider_names(providers)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # a refusal is told once, by the error below
    if not blocked_layout:
        extended = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.graph_optimization_level = extended
    # A spinning worker takes a whole core from whoever shares the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if _CUDA in names and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # CUDA's libraries where pip has put them
    try:
        session = onnxruntime.InferenceSession(
            model, options, providers=list(names),
            disabled_optimizers=None if fold_constants else ["ConstantFolding"],
        )  # fmt: skip
    except Exception as reason:  # ONNX Runtime has no common base below Exception
        raise InputError(f"{where}: ONNX Runtime cannot load it: {first_line(reason)}") from None
    if absent := [name for name in names if name not in session.get_providers()]:
        # ONNX Runtime only warns, and would run on the CPU.
        raise MienError(
            f"{where}: {absent[0]} was asked for and does not start: check the driver and the "
            "libraries that ONNX Runtime needs for it"
        )
    return session


def first_line(reason: Exception) -> str:
    """The first line of a message of ONNX Runtime's, which may have dozens."""
    return str(reason).splitlines()[0] if str(reason) else type(reason).__name__
