"""Runs a volume's networks: an expression's features of the anchors, and the two fields."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.avatar_kinds import VolumeEntry
from mien.errors import InputError, MienError, PackageError
from mien.onnx_session import Providers, first_line, open_session
from mien.package import Package

__all__ = ["VolumeNetworks"]

Float32Array = NDArray[np.float32]


class VolumeNetworks:
    """Thread-safe; a `mien.avatar.volume.march.Fields`."""

    def __init__(
        self, entry: VolumeEntry, models: dict[str, bytes], providers: Providers = None
    ) -> None:
        """models: by "features", "coarse" and "field". Raises InputError, naming which, for one
        that ONNX Runtime cannot load."""
        self.entry = entry
        self._sessions = {
            name: open_session(data, f"volume: {name}", providers, fold_constants=False)
            for name, data in models.items()
        }

    @classmethod
    def of(
        cls, package: Package, entry: VolumeEntry, providers: Providers = None
    ) -> VolumeNetworks:
        """The networks of a volume in a package. Raises PackageError, naming the file, for one that
        cannot be used."""
        files = {name: entry.files[name] for name in ("features", "coarse", "field")}
        models = {name: package.read_bytes(file) for name, file in files.items()}
        try:
            networks = cls(entry, models, providers)
        except InputError as error:
            raise PackageError(f"{package.source.where}: {error}") from None
        for name, file in files.items():
            package.check_model(file, networks._sessions[name])
        return networks

    def features(
        self, channels: ArrayLike, camera_from_rig_xyzw: ArrayLike, displacements: ArrayLike
    ) -> tuple[Float32Array, Float32Array]:
        """(N, W) for the coarse field, and for the one that is shown.

        channels (K,); camera_from_rig_xyzw (4,): rotation from rig axes to those of the camera that
        looks on, of any length above 0; displacements (V, 3): what the expression moves the mesh
        by, metres, without the head's motion. Raises InputError for other shapes and values that
        are not finite, MienError for a network that fails.
        """
        entry = self.entry
        feed = {}
        for name, value, shape in (
            ("channels", channels, (len(entry.channels),)),
            ("head_rotation", camera_from_rig_xyzw, (4,)),
            ("displacements", displacements, (entry.vertices, 3)),
        ):
            array = np.asarray(value, np.float32)
            if array.shape != shape or not np.isfinite(array).all():
                raise InputError(
                    f"volume: {name} have shape {array.shape}, expected {shape}, finite"
                )
            feed[name] = np.ascontiguousarray(array[None])
        if not feed["head_rotation"].any():
            raise InputError("volume: head_rotation is zero, expected a quaternion")
        table = (1, entry.anchors, entry.width)
        coarse, fine = self._run("features", feed, {"coarse": table, "fine": table})
        return coarse[0], fine[0]

    def coarse(
        self, offsets: Float32Array, features: Float32Array, shares: Float32Array,
        heights: Float32Array, presence: Float32Array,
    ) -> Float32Array:  # fmt: skip
        """See `mien.avatar.volume.march.Fields`."""
        feed = {"offsets": offsets, "features": features, "shares": shares, "heights": heights,
                "presence": presence}  # fmt: skip
        return self._run("coarse", feed, {"density": (len(heights),)})[0]

    def field(
        self, offsets: Float32Array, features: Float32Array, shares: Float32Array,
        heights: Float32Array, presence: Float32Array, view: Float32Array,
    ) -> tuple[Float32Array, Float32Array]:  # fmt: skip
        """See `mien.avatar.volume.march.Fields`."""
        feed = {"offsets": offsets, "features": features, "shares": shares, "heights": heights,
                "presence": presence, "view": view}  # fmt: skip
        count = len(heights)
        density, colour = self._run("field", feed, {"density": (count,), "colour": (count, 3)})
        return density, colour

    def _run(
        self, name: str, feed: dict[str, Any], outputs: dict[str, tuple[int, ...]]
    ) -> list[Float32Array]:
        try:
            found = self._sessions[name].run(list(outputs), feed)
        except Exception as reason:  # ONNX Runtime has no common base below Exception
            raise MienError(f"volume: {name}: ONNX Runtime failed: {first_line(reason)}") from None
        for (output, shape), array in zip(outputs.items(), found, strict=True):
            if np.shape(array) != shape or not np.isfinite(array).all():
                raise MienError(
                    f"volume: the network {name} gave {output} of shape {np.shape(array)}, "
                    f"expected {shape}, finite"
                )
        return [np.asarray(array, np.float32) for array in found]
