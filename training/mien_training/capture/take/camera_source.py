"""What one camera recorded: pictures by row, decoded one at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.video import read_frames
from mien_training.cameras import Camera
from mien_training.cameras.lens import LensCamera
from mien_training.cameras.undistort import undistort_in_strips
from mien_training.capture.take.film_times import film_times
from mien_training.capture.take.numbered_pictures import (
    numbered_pictures,
    picture_size,
    read_picture,
)
from mien_training.capture.take.sources import is_film
from mien_training.runs.content_key import content_digest, file_digest

__all__ = ["CameraSource", "open_source"]

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class CameraSource:
    """A film, or numbered pictures; nothing of them is held."""

    path: Path
    """The film, the folder, or the only picture."""
    taken_by: Camera
    """With its lens, as the calibration has it."""
    frames: NDArray[np.int64]
    """(N,) index in the film, from 0, or number in the picture's name; they rise."""
    times_s: NDArray[np.float64] | None
    """(N,) seconds since the film's first frame; pictures carry no times."""
    pictures: tuple[Path, ...] = ()
    """N, of pictures."""

    @property
    def camera(self) -> Camera:
        """What `images` are images of: distortion beyond k1 and k2 is taken out of them."""
        own = self.taken_by
        if not isinstance(own, LensCamera):
            return own
        return Camera(own.K, own.camera_from_world, own.width, own.height)

    def at(self, rows: Sequence[int]) -> CameraSource:
        """Some of its frames."""
        index = np.array(rows, np.int64)
        times = None if self.times_s is None else self.times_s[index]
        pictures = tuple(self.pictures[row] for row in rows) if self.pictures else ()
        return replace(self, frames=self.frames[index], times_s=times, pictures=pictures)

    def images(self, rows: Sequence[int]) -> Generator[Image, None, None]:
        """(H, W, 3) of rows of `frames`, which rise; read as they are asked for.

        Raises InputError, naming the file, for what cannot be read or has another size.
        """
        if self.pictures:
            for row in rows:
                yield self._checked(read_picture(self.pictures[row]), self.pictures[row])
            return
        wanted = iter(self.frames[list(rows)].tolist())
        target = next(wanted, None)
        # A decoder's every thread holds frames, and there is a decoder for each camera.
        for frame in read_frames(self.path, threads=1) if target is not None else ():
            if frame.index == target:
                yield self._checked(frame.image, self.path)
                target = next(wanted, None)
                if target is None:
                    return
        if target is not None:
            raise InputError(f"{self.path}: ends before frame {target}, which its packets promise")

    def digest(self) -> str:
        """SHA-256 of the film, or of names and bytes of the pictures."""
        if not self.pictures:
            return file_digest(self.path)
        return content_digest([(path.name, file_digest(path)) for path in self.pictures])

    def _checked(self, image: Image, path: Path) -> Image:
        check_size(path, (image.shape[1], image.shape[0]), self.taken_by)
        if isinstance(self.taken_by, LensCamera):
            return undistort_in_strips(image, self.taken_by)
        return image


def open_source(path: Path, camera: Camera) -> CameraSource:
    """Raises InputError, naming the file, for what cannot be read, for pictures whose numbers have
    gaps, and where the first picture has another size than the camera."""
    if is_film(path):
        times = film_times(path)
        first = next(iter(read_frames(path, threads=1))).image
        check_size(path, (first.shape[1], first.shape[0]), camera)
        return CameraSource(path, camera, np.arange(len(times)), times)
    found = numbered_pictures(path)
    check_size(found.paths[0], picture_size(found.paths[0]), camera)
    return CameraSource(path, camera, np.array(found.numbers, np.int64), None, found.paths)


def check_size(path: Path, size: tuple[int, int], camera: Camera) -> None:
    """(width, height) against the camera's. Raises InputError, naming the file."""
    if size != (camera.width, camera.height):
        raise InputError(
            f"{path}: {size[0]} x {size[1]} pixels, expected {camera.width} x {camera.height} as "
            "its camera in the calibration has"
        )
