"""The square around the face that is cut out of one camera's images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.video import read_frames
from mien_training.cameras.calibration import scaled
from mien_training.cameras.camera import Camera
from mien_training.cameras.undistort import lens_map, undistort

__all__ = ["FaceCrop", "SourceFrames", "cut_square", "read_crops"]


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """One square for a whole recording: a face that walks through the image becomes small."""

    camera: Camera
    """Of the images as the file has them, their distortion with it."""
    left: float
    """Of the square in the undistorted image, pixels; it may reach beyond the border."""
    top: float
    side: float

    def view(self, size: int) -> Camera:
        """The camera of the square, undistorted and brought to size x size pixels."""
        scale = size / self.side
        pixels = np.array(
            [[scale, 0.0, -self.left * scale], [0.0, scale, -self.top * scale], [0.0, 0.0, 1.0]]
        )
        return Camera(pixels @ self.camera.K, self.camera.camera_from_world, size, size)


@dataclass(frozen=True, eq=False)
class SourceFrames:
    """Where the T images of a recording were cut from."""

    name: str
    """File name of the video, image or folder of images."""
    crop: FaceCrop
    frames: NDArray[np.int64]
    """(T,) indices in the file, counted as `read_frames` does."""
    times_s: NDArray[np.float64]
    """(T,) seconds since the file's first frame, as the file says."""

    def in_metres(self, unit_m: float) -> SourceFrames:
        """The same in a world whose unit is so many metres."""
        camera = scaled(self.crop.camera, unit_m)
        return replace(self, crop=replace(self.crop, camera=camera))


def read_crops(
    source: str | Path, crop: FaceCrop, frames: Iterable[int], size: int, cut_outs: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """(F, size, size, 3) squares out of the file's frames with these indices, in the file's order,
    and their (F,) times, seconds. Whole frames are held one at a time. cut_outs: as `read_frames`.

    Raises InputError for images of another size than the crop's camera has, and for a file that
    ends before the last of them.
    """
    wanted = set(frames)
    camera, lens = crop.camera, lens_map(crop.camera)
    images, times = [], []
    for frame in read_frames(source, cut_outs):
        if frame.index not in wanted:
            continue
        height, width = frame.image.shape[:2]
        if (height, width) != (camera.height, camera.width):
            raise InputError(
                f"{source}: frames of {width} x {height}, but its camera has {camera.width} x "
                f"{camera.height}"
            )
        images.append(cut_square(undistort(frame.image, lens), crop, size))
        times.append(frame.time_s)
        if len(images) == len(wanted):
            break
    if len(images) < len(wanted):
        raise InputError(f"{source}: ends before frame {max(wanted)}, which is to be read")
    return np.stack(images), np.array(times, np.float64)


def cut_square(image: NDArray[np.uint8], crop: FaceCrop, size: int) -> NDArray[np.uint8]:
    """(size, size, 3) of an undistorted image (H, W, 3): antialiased when made smaller; black
    beyond the image's borders."""
    pad = int(np.ceil(crop.side))
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
    left, top = crop.left + pad, crop.top + pad
    box = (left, top, left + crop.side, top + crop.side)
    cut = Image.fromarray(padded).resize((size, size), Image.Resampling.BILINEAR, box=box)
    return np.asarray(cut)
