"""What a capture says of one moment, and what says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.footage.captured import MomentSightings
from mien_training.head import Template

__all__ = ["HeadPredictor", "MomentResult"]

_RIGID = 1e-4


@dataclass(frozen=True, eq=False)
class MomentResult:
    """V vertices of the predictor's template, seen by several cameras; the world is theirs, metres.

    Raises InputError for other shapes, numbers that are not finite, and a pose that is no rotation
    and shift.
    """

    vertices: NDArray[np.float32]
    """(V, 3) world."""
    world_from_head: NDArray[np.float64]
    """(4, 4) rigid motion of the skull from rig space."""
    confidence: NDArray[np.float32]
    """(V,) 0..1: how far each vertex is to be believed."""
    views: NDArray[np.uint8]
    """(V,) how many cameras saw each vertex."""
    spread_m: NDArray[np.float32]
    """(V,) expected distance of each vertex from where it really is."""
    sightings: MomentSightings
    """Where cameras saw some of the vertices."""
    failure: str = ""
    """Why this moment is not to be believed at all; empty if it is."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Where the time went, by stage."""

    def __post_init__(self) -> None:
        count = len(self.vertices)
        shapes: dict[str, tuple[int, ...]] = {
            "vertices": (count, 3), "world_from_head": (4, 4), "confidence": (count,),
            "views": (count,), "spread_m": (count,),
        }  # fmt: skip
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values.shape != shape:
                raise InputError(f"MomentResult.{name}: shape {values.shape}, expected {shape}")
            if not np.isfinite(values).all():
                raise InputError(f"MomentResult.{name}: expected finite numbers")
        turn = self.world_from_head[:3, :3]
        if not np.allclose(turn @ turn.T, np.eye(3), atol=_RIGID) or np.linalg.det(turn) < 0:
            raise InputError("MomentResult.world_from_head: expected a rotation and a shift")


class HeadPredictor(Protocol):
    """Pictures of one moment in, the head out; a network, or what knows the truth in a test."""

    @property
    def template(self) -> Template:
        """What its meshes are of."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of all that its results follow from beside the pictures: weights and options."""
        ...

    def predict(
        self,
        images: Sequence[NDArray[np.uint8]],
        cameras: Sequence[Camera],
        start: NDArray[np.float64] | None,
    ) -> MomentResult:
        """images: (H, W, 3 or 1) of each camera; cameras: metres, no lens beyond k1 and k2; start:
        the pose (4, 4) of the moment before, if it is believed. A function of these alone.

        Raises InputError where the pictures tell nothing (fewer than two cameras see a head).
        """
        ...
