"""Runs an avatar's network: channels and how the head is turned in, amounts of the maps out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError, MienError
from mien.onnx_session import Providers, first_line, open_session

__all__ = ["CoefficientModel", "network_tensors"]

Float32Array = NDArray[np.float32]


def network_tensors(channels: int, coefficients: int) -> list[tuple[str, tuple[str | int, ...]]]:
    """Names and shapes of the network's inputs, then of its output; all float32."""
    return [
        ("channels", ("batch", channels)),
        ("head_rotation", ("batch", 4)),
        ("coefficients", ("batch", coefficients)),
    ]


class CoefficientModel:
    """Thread-safe; coefficients are of about one standard deviation over the training film."""

    def __init__(
        self, model: bytes, channel_names: Sequence[str], names: Sequence[str],
        providers: Providers = None,
    ) -> None:  # fmt: skip
        """`model`: the bytes of channels[batch,K], head_rotation[batch,4] ->
        coefficients[batch,D]. Raises InputError for one that ONNX Runtime cannot load or whose
        tensors are others."""
        self.channel_names, self.names = tuple(channel_names), tuple(names)
        self.session = open_session(model, "avatar", providers, fold_constants=False)
        tensors = [*self.session.get_inputs(), *self.session.get_outputs()]
        found = [(t.name, tuple(t.shape)) for t in tensors]
        expected = network_tensors(len(self.channel_names), len(self.names))
        if found != expected or any(t.type != "tensor(float)" for t in tensors):
            raise InputError(f"avatar: the model's tensors are {found}, expected {expected}, float")

    def coefficients(self, channels: ArrayLike, camera_from_rig_xyzw: ArrayLike) -> Float32Array:
        """(K,) and (4,) -> (D,), or (T, K) and (T, 4) -> (T, D).

        camera_from_rig_xyzw: rotation from rig axes to those of the camera that looks on (x right,
        y down, z forward); of any length above 0. Raises InputError for other shapes and values
        that are not finite.
        """
        x, q = np.asarray(channels, np.float32), np.asarray(camera_from_rig_xyzw, np.float32)
        if x.ndim not in (1, 2) or x.shape[-1] != len(self.channel_names):
            raise InputError(
                f"avatar: channels have shape {x.shape}, expected (..., {len(self.channel_names)})"
            )
        if q.shape != (*x.shape[:-1], 4):
            raise InputError(
                f"avatar: rotations have shape {q.shape}, expected {(*x.shape[:-1], 4)}"
            )
        if not (np.isfinite(x).all() and np.isfinite(q).all() and q.any(-1).all()):
            raise InputError(
                "avatar: channels or rotations hold values that are not finite, or a zero rotation"
            )
        feed = {"channels": np.atleast_2d(x), "head_rotation": np.atleast_2d(q)}
        try:
            (out,) = self.session.run(["coefficients"], feed)
        except Exception as reason:  # ONNX Runtime has no common base below Exception
            raise MienError(f"avatar: ONNX Runtime failed: {first_line(reason)}") from None
        expected = (1 if x.ndim == 1 else len(x), len(self.names))
        if np.shape(out) != expected or not np.isfinite(out).all():
            raise MienError(
                f"avatar: the network gave coefficients of shape {np.shape(out)}, expected "
                f"{expected}, finite"
            )
        return np.asarray(out[0] if x.ndim == 1 else out, np.float32)
