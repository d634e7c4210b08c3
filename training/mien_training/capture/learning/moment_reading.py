"""What the net has read of a moment, kept for the stages that learn from it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mien_training.cameras import Camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.correspondence.correspondence_net import STRIDE
from mien_training.capture.first_mesh import FirstMesh
from mien_training.runs.cache import read_arrays, write_arrays

__all__ = ["LAYERS", "SURE_M", "MomentReading"]

SURE_M = 0.002
"""Expected distance at which a place counts half in fits."""

LAYERS = {"canonical": 3, "normals": 3, "deviation": 1, "skin": 1, "certainty": 1}
"""Channels of `MomentReading.maps` before the net's own features, in this order: metres; unit, in
head axes; metres; 0..1; 0..1."""


@dataclass(frozen=True, eq=False)
class MomentReading:
    """C crops of one moment, in the head's own frame: rig space of the first mesh's pose."""

    maps: NDArray[np.float16]
    """(C, LAYERS and features, h, w); 0 beyond the original images."""
    K: NDArray[np.float64]
    """(C, 3, 3) of the crops, pixels."""
    camera_from_head: NDArray[np.float64]
    """(C, 4, 4)"""
    start: NDArray[np.float32]
    """(V, 3) the first mesh."""
    fitted: NDArray[np.float32]
    """(V, 3) what the linear model alone makes of the maps, before the pictures moved it."""
    kept: NDArray[np.float32]
    """(V,) 0..1 how much of what the pictures asked for is in the first mesh."""
    world_from_head: NDArray[np.float64]
    """(4, 4)"""
    truth: NDArray[np.float32]
    """(V, 3); empty where it is not known."""

    @classmethod
    def of(cls, first: FirstMesh, truth: NDArray[np.float32] | None = None) -> MomentReading:
        """Of what was read; truth (V, 3) world, metres."""
        pose, read = first.fit.world_from_head, first.read
        camera_from_head = np.stack([crop.camera.camera_from_world for crop in read.crops]) @ pose
        maps = read.maps
        head_from_camera = torch.from_numpy(camera_from_head[:, :3, :3].transpose(0, 2, 1).copy())
        normals = torch.einsum("cij,chwj->chwi", head_from_camera.float(), maps.normals)
        layers = torch.cat(
            [
                maps.canonical, normals, maps.deviation[..., None],
                torch.sigmoid(maps.skin)[..., None], maps.certainty(SURE_M)[..., None],
            ], -1,
        )  # fmt: skip
        told = torch.cat([layers.permute(0, 3, 1, 2), read.features], 1).numpy()
        return cls(
            maps=(told * read.covered[:, None]).astype(np.float16),
            K=np.stack([crop.camera.K for crop in read.crops]),
            camera_from_head=camera_from_head,
            start=_in_head(first.vertices, pose),
            fitted=_in_head(first.fit.vertices, pose),
            kept=np.zeros(len(first.vertices), np.float32)
            if first.polished is None
            else first.polished.kept,
            world_from_head=pose,
            truth=np.zeros((0, 3), np.float32) if truth is None else _in_head(truth, pose),
        )

    @property
    def side(self) -> int:
        """Of the crops, pixels."""
        return int(STRIDE * self.maps.shape[2])

    def cameras(self, views: NDArray[np.integer] | None = None) -> CameraBatch:
        """In head space, of all views or some."""
        chosen = range(len(self.K)) if views is None else views
        side = self.side
        return CameraBatch.of(
            [Camera(self.K[c], self.camera_from_head[c], side, side) for c in chosen]
        )

    def seen(
        self, views: NDArray[np.integer] | None, like: torch.Tensor
    ) -> tuple[torch.Tensor, CameraBatch]:
        """Maps (C, LAYERS and features, h, w) and cameras, of all views or some, on the device and
        in the precision of `like`."""
        maps = self.maps if views is None else self.maps[views]
        told = torch.from_numpy(maps.astype(np.float32)).to(like)
        return told, self.cameras(views).to(like.device)

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        write_arrays(path, {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def read(cls, path: Path) -> MomentReading:
        """Raises InputError for a file that is missing or damaged."""
        arrays = read_arrays(path)
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})


def _in_head(points: NDArray[np.float32], pose: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray((points - pose[:3, 3]) @ pose[:3, :3], np.float32)
