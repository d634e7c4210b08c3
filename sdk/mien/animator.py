"""Runs a character's animator network: driver features in, blendshape weights out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import ChannelError, InputError, MienError
from mien.onnx_session import Providers, first_line, open_session
from mien.tracker.features import FeatureLayout

__all__ = ["Animator", "AnimatorState"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class AnimatorState:
    """What the network remembers of B performers."""

    h: Float32Array
    """(L, B, H) hidden state."""
    c: Float32Array
    """(L, B, H) cell state."""


class Animator:
    """A character's recurrent network; thread-safe, because all memory is in AnimatorState."""

    def __init__(
        self,
        model: bytes | str | os.PathLike[str],
        channel_names: Sequence[str],
        layout: FeatureLayout,
        threads: int = 1,
        providers: Providers = None,
    ) -> None:
        """`model`: the ONNX file or its bytes, x[batch,time,F], h0, c0 -> channels, hn, cn.

        F is `layout.size` and one more: the time step. `threads` and `providers` as
        `mien.onnx_session.open_session` takes them. Raises InputError for a model that ONNX
        Runtime cannot load or whose tensors are others, ChannelError for duplicate names.
        """
        self.channel_names = tuple(channel_names)
        self.layout = layout
        self.feature_size = layout.size + 1
        if len(set(self.channel_names)) != len(self.channel_names):
            raise ChannelError("animator: channel names are not unique")
        where = "animator" if isinstance(model, bytes) else f"animator {os.fspath(model)}"
        self.session = open_session(
            _read(model, where), where, providers, threads, fold_constants=False
        )
        self._layers, self._hidden = self._check_tensors(where)

    def initial_state(self, batch: int = 1) -> AnimatorState:
        """The state of `batch` performers before their first frame."""
        if batch < 1:
            raise InputError(f"animator: batch is {batch}, expected 1 or more")
        shape = (self._layers, batch, self._hidden)
        return AnimatorState(np.zeros(shape, np.float32), np.zeros(shape, np.float32))

    def run(
        self, x: NDArray[np.floating], state: AnimatorState
    ) -> tuple[Float32Array, AnimatorState]:
        """x (B, T, F) relative to the neutral, time step last -> weights (B, T, C) 0..1, state.

        One run over T frames gives what T runs over one frame give, to rounding. Raises InputError
        for other shapes and values that are not finite.
        """
        x = np.asarray(x)
        if x.ndim != 3 or x.shape[2] != self.feature_size or 0 in x.shape:
            raise InputError(
                f"animator: x has shape {x.shape}, expected (batch, time, {self.feature_size})"
            )
        expected = (self._layers, x.shape[0], self._hidden)
        values = {"x": x, "h0": state.h, "c0": state.c}
        for name, value in values.items():
            if name != "x" and value.shape != expected:
                raise InputError(
                    f"animator: state {name} has shape {value.shape}, expected {expected}"
                )
            if not np.issubdtype(value.dtype, np.floating):
                raise InputError(f"animator: {name} is {value.dtype}, expected floating point")
            # Checked after the conversion: a float64 can be too large for float32.
            with np.errstate(over="ignore"):
                values[name] = np.ascontiguousarray(value, np.float32)
            if not np.isfinite(values[name]).all():
                raise InputError(f"animator: {name} holds values that are not finite")
        return self.infer(values["x"], AnimatorState(values["h0"], values["c0"]))

    def infer(self, x: Float32Array, state: AnimatorState) -> tuple[Float32Array, AnimatorState]:
        """`run` for values that are known to be right: float32, finite, of the right shapes."""
        inputs = {"x": x, "h0": state.h, "c0": state.c}
        try:
            channels, hn, cn = self.session.run(["channels", "hn", "cn"], inputs)
        except Exception as reason:  # ONNX Runtime has no common base below Exception
            raise MienError(f"animator: ONNX Runtime failed: {first_line(reason)}") from None
        return channels, AnimatorState(hn, cn)

    def _check_tensors(self, where: str) -> tuple[int, int]:
        """Layers and hidden units. Raises InputError, naming the first tensor that is wrong."""
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        h0 = next((t.shape for t in inputs if t.name == "h0" and len(t.shape) == 3), [0, "", 0])
        layers, hidden = h0[0], h0[2]
        state = [layers, "batch", hidden]
        expected = {
            "x": ["batch", "time", self.feature_size],
            "h0": state,
            "c0": state,
            "channels": ["batch", "time", len(self.channel_names)],
            "hn": state,
            "cn": state,
        }
        found = {t.name: t for t in [*inputs, *outputs]}
        if [t.name for t in inputs] != ["x", "h0", "c0"] or set(found) != set(expected):
            raise InputError(
                f"{where}: the model's tensors are {list(found)}, expected {list(expected)}"
            )
        for name, shape in expected.items():
            tensor = found[name]
            if tensor.type != "tensor(float)" or list(tensor.shape) != shape:
                raise InputError(
                    f"{where}: tensor {name} is {tensor.type} {list(tensor.shape)}, expected "
                    f"tensor(float) {shape}"
                )
        if not isinstance(layers, int) or not isinstance(hidden, int) or not layers * hidden > 0:
            raise InputError(f"{where}: the state's layers and units are {layers} and {hidden}")
        return layers, hidden


def _read(model: bytes | str | os.PathLike[str], where: str) -> bytes:
    try:
        return model if isinstance(model, bytes) else Path(model).read_bytes()
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror})") from None
