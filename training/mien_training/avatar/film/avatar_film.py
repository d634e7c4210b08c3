"""Frames of one head, cropped, matted and posed: what an avatar learns from and is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.avatar import Pinhole
from mien.errors import InputError
from mien_training.head import Template

__all__ = ["AvatarFilm"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AvatarFilm:
    """T frames; the last of them are held out. All is in rig space, in which the head does not
    turn: cameras turn around it."""

    person: Template
    images: NDArray[np.uint8]
    """(T, S, S, 3) sRGB codes."""
    alpha: NDArray[np.uint8] | None
    """(T, S, S) coverage of the head, 255 is all; None: nobody knows."""
    known: NDArray[np.bool_] | None
    """(T, S, S) where `alpha` is believed; None: everywhere."""
    plate: NDArray[np.uint8] | None
    """(S, S, 3) what is behind the head in all frames, sRGB codes; None: not known."""
    K: Float64Array
    """(T, 3, 3) of the cropped images, pixels."""
    camera_from_rig: Float64Array
    """(T, 4, 4) rigid, metres."""
    weights: Float32Array
    """(T, K) blendshape weights."""
    training: int
    """Frames 0 .. training - 1 are learnt from."""

    def __post_init__(self) -> None:
        count, side = self.images.shape[:2]
        shapes = {
            "images": (count, side, side, 3), "alpha": (count, side, side),
            "known": (count, side, side), "plate": (side, side, 3), "K": (count, 3, 3),
            "camera_from_rig": (count, 4, 4),
            "weights": (count, len(self.person.shape_names)),
        }  # fmt: skip
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise InputError(f"AvatarFilm: {name} {value.shape}, expected {shape}")
        if not 0 < self.training <= count:
            raise InputError(f"AvatarFilm: training {self.training}, expected 1 to {count}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def side(self) -> int:
        """Of the images, pixels."""
        return int(self.images.shape[1])

    @property
    def held_out(self) -> range:
        """Frames that nothing is learnt from."""
        return range(self.training, len(self))

    def premultiplied(self, frame: int) -> Tensor:
        """(S, S, 3) of the head alone, 0..1: without what is behind it, where coverage is known."""
        image = torch.from_numpy(self.images[frame]).float() / 255
        if self.alpha is None:
            return image
        alpha = torch.from_numpy(self.alpha[frame]).float()[..., None] / 255
        if self.plate is None:
            return image * alpha
        plate = torch.from_numpy(self.plate).float() / 255
        return (image - (1 - alpha) * plate).clamp_min(0).minimum(alpha)

    def camera(self, frame: int) -> Pinhole:
        """In rig space: its `camera_from_world` is camera_from_rig."""
        return Pinhole(self.K[frame], self.camera_from_rig[frame])

    def vertices(self, frames: list[int]) -> Tensor:
        """(B, V, 3) of the person's mesh, rig space, metres."""
        moved = np.tensordot(self.weights[frames], self.person.shape_deltas, 1)
        return torch.from_numpy((self.person.vertices + moved).astype(np.float32))

    def codes(self, frames: list[int]) -> Tensor:
        """(B, K + 6) what a network is told: weights, and how the head is turned (the first two
        columns of camera_from_rig's rotation)."""
        turn = self.camera_from_rig[frames, :3, :2].reshape(len(frames), 6)
        return torch.from_numpy(np.concatenate([self.weights[frames], turn], 1).astype(np.float32))
