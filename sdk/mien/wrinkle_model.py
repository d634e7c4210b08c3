"""Runs a character's detail.onnx: channels in, one signed weight per wrinkle region out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError, MienError
from mien.onnx_session import Providers, first_line, open_session

__all__ = ["WrinkleModel"]

Float32Array = NDArray[np.float32]


class WrinkleModel:
    """Thread-safe; a region's weight is -1 fully compressed, 0 as at rest, +1 fully stretched."""

    def __init__(
        self,
        model: bytes,
        channel_names: Sequence[str],
        region_names: Sequence[str],
        providers: Providers = None,
    ) -> None:
        """`model`: the bytes of channels[batch,C] -> weights[batch,R]. Raises InputError for one
        that ONNX Runtime cannot load or whose tensors are others."""
        self.channel_names, self.region_names = tuple(channel_names), tuple(region_names)
        self.session = open_session(model, "detail", providers, fold_constants=False)
        tensors = [*self.session.get_inputs(), *self.session.get_outputs()]
        found = [(t.name, t.type, list(t.shape)) for t in tensors]
        expected = [
            ("channels", "tensor(float)", ["batch", len(self.channel_names)]),
            ("weights", "tensor(float)", ["batch", len(self.region_names)]),
        ]
        if found != expected:
            raise InputError(f"detail: the model's tensors are {found}, expected {expected}")

    def weights(self, channels: ArrayLike) -> Float32Array:
        """(C,) -> (R,), or (T, C) -> (T, R), -1..1. Raises InputError for other shapes and values
        that are not finite."""
        x = np.asarray(channels, np.float32)
        if x.ndim not in (1, 2) or x.shape[-1] != len(self.channel_names):
            raise InputError(
                f"detail: channels have shape {x.shape}, expected (..., {len(self.channel_names)})"
            )
        if not np.isfinite(x).all():
            raise InputError("detail: channels hold values that are not finite")
        try:
            (out,) = self.session.run(["weights"], {"channels": np.atleast_2d(x)})
        except Exception as reason:  # ONNX Runtime has no common base below Exception
            raise MienError(f"detail: ONNX Runtime failed: {first_line(reason)}") from None
        expected = (1 if x.ndim == 1 else len(x), len(self.region_names))
        if np.shape(out) != expected or not np.isfinite(out).all():
            raise MienError(
                f"detail: the network gave weights of shape {np.shape(out)}, expected {expected}, "
                "finite"
            )
        out = np.clip(out, -1, 1).astype(np.float32)
        return np.asarray(out[0] if x.ndim == 1 else out)
