"""Recordings by several cameras, with the truth kept apart from what a fit may see."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.rendering.camera import Camera

__all__ = ["FilmedView", "Footage", "ViewTruth", "load_footage", "save_footage"]

_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class FilmedView:
    """What one calibrated camera delivers."""

    images: NDArray[np.uint8]
    """(T, H, W, 3) sRGB."""
    masks: NDArray[np.bool_]
    """(T, H, W) pixels whose centre sees the head."""
    times_s: NDArray[np.float64]
    """(T,) seconds on this camera's own clock."""
    camera: Camera
    """Intrinsics and `camera_from_world`; the world is rig space at rest."""

    def __post_init__(self) -> None:
        count, height, width = len(self.times_s), self.camera.height, self.camera.width
        for name, array, shape, kind in (
            ("images", self.images, (count, height, width, 3), np.uint8),
            ("masks", self.masks, (count, height, width), np.bool_),
        ):
            if array.shape != shape or array.dtype != kind:
                raise InputError(
                    f"FilmedView: {name} {array.shape} of {array.dtype}, expected {shape} of "
                    f"{np.dtype(kind)}"
                )


@dataclass(frozen=True, eq=False)
class ViewTruth:
    """What was really there when a camera's frames were taken; for measuring only."""

    offset_s: float
    """Common time minus the camera's clock, seconds."""
    weights: NDArray[np.float32]
    """(T, K) blendshape weights in 0..1."""
    world_from_head: NDArray[np.float64]
    """(T, 4, 4) rigid motion of the skull, metres."""

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or self.world_from_head.shape != (len(self.weights), 4, 4):
            raise InputError(
                f"ViewTruth: weights {self.weights.shape} and world_from_head "
                f"{self.world_from_head.shape}, expected (T, K) and (T, 4, 4)"
            )


@dataclass(frozen=True, eq=False)
class Footage:
    """One performance by one or more cameras."""

    views: tuple[FilmedView, ...]
    truth: tuple[ViewTruth, ...]
    """One per view; hand `views` alone to a fit."""
    shape_names: tuple[str, ...]
    """K names of `ViewTruth.weights`."""
    rate_hz: float
    """Frames per second of every camera."""

    def __post_init__(self) -> None:
        if not self.views or len(self.views) != len(self.truth):
            raise InputError(
                f"Footage: {len(self.views)} views and {len(self.truth)} truths, expected as many, "
                "at least one"
            )
        for view, truth in zip(self.views, self.truth, strict=True):
            expected = (len(view.times_s), len(self.shape_names))
            if truth.weights.shape != expected:
                raise InputError(f"Footage: weights {truth.weights.shape}, expected {expected}")


def save_footage(folder: str | Path, footage: Footage) -> Path:
    """Write `view_N.npz`, `truth_N.npz` and `footage.npz` into a new folder, whole or not at all.

    Raises InputError if `folder` exists or cannot be written.
    """
    target = Path(folder)
    if target.exists():
        raise InputError(f"{target}: is there already; footage goes into a new folder")
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            for i, (view, truth) in enumerate(zip(footage.views, footage.truth, strict=True)):
                camera = view.camera
                np.savez_compressed(
                    draft / f"view_{i}.npz",
                    images=view.images,
                    masks=view.masks,
                    times_s=view.times_s,
                    K=camera.K,
                    camera_from_world=camera.camera_from_world,
                    distortion=np.array([camera.k1, camera.k2]),
                )
                np.savez(
                    draft / f"truth_{i}.npz",
                    offset_s=np.float64(truth.offset_s),
                    weights=truth.weights,
                    world_from_head=truth.world_from_head,
                )
            np.savez(
                draft / "footage.npz",
                views=np.int64(len(footage.views)),
                shape_names=np.array(footage.shape_names, np.str_),
                rate_hz=np.float64(footage.rate_hz),
            )
            umask = os.umask(0)
            os.umask(umask)
            draft.chmod(0o777 & ~umask)  # mkdtemp makes private folders
            draft.rename(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
    return target


def load_footage(folder: str | Path) -> Footage:
    """What `save_footage` wrote. Raises InputError for anything else."""
    source = Path(folder)
    try:
        with np.load(source / "footage.npz", allow_pickle=False) as file:
            count, rate_hz = int(file["views"]), float(file["rate_hz"])
            names = tuple(str(name) for name in file["shape_names"])
        views, truth = [], []
        for i in range(count):
            with np.load(source / f"view_{i}.npz", allow_pickle=False) as file:
                images = file["images"]
                k1, k2 = (float(k) for k in file["distortion"])
                height, width = images.shape[1:3]
                camera = Camera(file["K"], file["camera_from_world"], width, height, k1, k2)
                views.append(FilmedView(images, file["masks"], file["times_s"], camera))
            with np.load(source / f"truth_{i}.npz", allow_pickle=False) as file:
                truth.append(
                    ViewTruth(float(file["offset_s"]), file["weights"], file["world_from_head"])
                )
        return Footage(tuple(views), tuple(truth), names, rate_hz)
    except (*_DAMAGE, InputError) as reason:
        raise InputError(f"{source}: not a folder of footage ({reason})") from None
