"""What a captured take is: a mesh for every moment, in the template's topology."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["CapturedMeshes"]


@dataclass(frozen=True, eq=False)
class CapturedMeshes:
    """T moments of one head, V vertices each; the world is the calibration's, metres."""

    template: str
    """Name of the template (load_template)."""
    topology_sha256: str
    """`topology_digest` of it."""
    frame: NDArray[np.int64]
    """(T,) index of the pictures that show each moment."""
    time_s: NDArray[np.float64]
    """(T,) seconds from the first picture; not decreasing."""
    vertices: NDArray[np.float32]
    """(T, V, 3) world."""
    world_from_head: NDArray[np.float64]
    """(T, 4, 4) rigid motion of the skull from rig space."""
    confidence: NDArray[np.float16]
    """(T, V) 0..1: how far each vertex is to be believed; low under hair and where no camera
    looks."""
    views: NDArray[np.uint8]
    """(T, V) how many cameras saw each vertex."""
    spread_m: NDArray[np.float16]
    """(T, V) expected distance of each vertex from where it really is."""
    failure: tuple[str, ...]
    """(T,) why a moment is not to be believed at all; empty if it is."""

    def __post_init__(self) -> None:
        moments, count = self.vertices.shape[0], self.vertices.shape[1:2]
        shapes: dict[str, tuple[int, ...]] = {
            "frame": (moments,), "time_s": (moments,), "vertices": (moments, *count, 3),
            "world_from_head": (moments, 4, 4), "confidence": (moments, *count),
            "views": (moments, *count), "spread_m": (moments, *count),
        }  # fmt: skip
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                raise InputError(f"CapturedMeshes.{name}: shape {found}, expected {shape}")
        if len(self.failure) != moments:
            raise InputError(
                f"CapturedMeshes.failure: {len(self.failure)} texts, expected {moments}"
            )
        for name in ("time_s", "vertices", "world_from_head", "confidence", "spread_m"):
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"CapturedMeshes.{name}: expected finite numbers")
        turn = self.world_from_head[:, :3, :3]
        if not np.allclose(turn @ turn.transpose(0, 2, 1), np.eye(3), atol=1e-4):
            raise InputError("CapturedMeshes.world_from_head: expected rotations and shifts")
        if (np.diff(self.time_s) < 0).any():
            raise InputError("CapturedMeshes.time_s: expected times that do not decrease")

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def good(self) -> NDArray[np.bool_]:
        """(T,) moments without a failure."""
        return np.array([not text for text in self.failure], np.bool_)

    def in_head(self) -> NDArray[np.float32]:
        """(T, V, 3) rig space: the vertices with the skull's motion taken out, metres."""
        turn = self.world_from_head[:, :3, :3].astype(np.float32)
        centre = self.world_from_head[:, None, :3, 3].astype(np.float32)
        return np.asarray((self.vertices - centre) @ turn)

    def take(self, moments: NDArray[np.integer] | slice) -> CapturedMeshes:
        """Some of the moments."""
        index = np.arange(len(self))[moments]
        chosen = {
            field.name: getattr(self, field.name)[index]
            for field in fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        }
        failure = tuple(self.failure[int(i)] for i in index)
        return CapturedMeshes(self.template, self.topology_sha256, failure=failure, **chosen)
