"""Runs an avatar's network: channels and how the head is turned in, amounts of the maps out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.channels import reorder
from mien.errors import InputError, MienError, PackageError
from mien.onnx_session import Providers, first_line, open_session
from mien.rotation import quaternion_multiply

if TYPE_CHECKING:
    from mien.avatar_kinds import SplatsEntry
    from mien.frame import Frame
    from mien.package import Package

__all__ = ["STRAIGHT_BEFORE", "CoefficientModel", "network_tensors"]

Float32Array = NDArray[np.float32]

STRAIGHT_BEFORE = np.array([1.0, 0.0, 0.0, 0.0])
"""xyzw from rig axes to those of a camera that looks straight into the face: half a turn about x,
as rigs have y up and face +z, cameras y down and +z away from them."""


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

    @classmethod
    def of(
        cls, package: Package, entry: SplatsEntry, providers: Providers = None
    ) -> CoefficientModel:
        """The network of an avatar in a package. Raises PackageError, naming the file, for one that
        cannot be used."""
        data = package.read_bytes(entry.network)
        try:
            network = cls(data, entry.channels, entry.coefficients, providers)
        except InputError as error:
            where = package.source.where
            raise PackageError(f"{where}: {entry.network}: {error}") from None
        package.check_model(entry.network, network.session)
        return network

    def of_frame(self, frame: Frame, camera_xyzw: ArrayLike = STRAIGHT_BEFORE) -> Float32Array:
        """(D,) for a frame, before a camera turned so against the world's axes (rotation from them
        to its own). Raises ChannelError for the frame of another character."""
        values = reorder(frame.channels, frame.channel_names, self.channel_names, 0.0)
        return self.coefficients(values, quaternion_multiply(camera_xyzw, frame.head_rotation_xyzw))

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
