"""The film that a rig was fitted to, as squares of the whole head: the fit saw the face alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.film_crop import FilmCrop
from mien_training.cameras.camera import Camera
from mien_training.footage.face_crop import FaceCrop, read_crops
from mien_training.footage.own_footage import OwnFootage
from mien_training.head import Template
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["FEWEST_FRAMES", "LEAST_FACE_PX", "face_px", "head_crop", "read_film"]

FEWEST_FRAMES = 60
LEAST_FACE_PX = 64
_MARGIN = 0.12
"""Of the head's extent, on each side: hair stands off the scalp."""
_HELD_OUT = 0.2
_BELOW_CHIN = 0.35
"""Of the face's height, how far the neck is shown."""


def read_film(
    person: Template, own: OwnFootage, size: int, report: Report = silent
) -> tuple[AvatarFilm, tuple[FilmCrop, ...]]:
    """Every usable frame of the performance, its last fifth held out, and where they were cut.

    Without mattes. Raises InputError for fewer than 60 usable frames, for faces below 64 pixels,
    and for files that cannot be read.
    """
    performance = own.performance
    if performance.shape_names != person.shape_names:
        raise InputError(
            f"the performance's {len(performance.shape_names)} shapes are not the "
            f"{len(person.shape_names)} of {person.name!r}, in that order"
        )
    names = ", ".join(camera.source for camera in performance.cameras)
    usable = performance.usable
    if len(usable) < FEWEST_FRAMES:
        raise InputError(
            f"{names}: {len(usable)} frames with a face that the rig follows, expected at least "
            f"{FEWEST_FRAMES}: film longer, half a minute at least"
        )
    parts, cut = [], []
    for c, (camera, path) in enumerate(zip(performance.cameras, own.sources, strict=True)):
        rows = usable[performance.camera[usable] == c]
        if not len(rows):
            continue
        rows = rows[np.argsort(performance.frame[rows])]
        crop = head_crop(person, camera.crop.camera, performance.posed(person, rows))
        images = read_crops(path, crop, performance.frame[rows].tolist(), size)[0]
        view = crop.view(size)
        from_rig = view.camera_from_world @ performance.world_from_rig(rows)
        cut.append((path, crop, rows))
        parts.append((rows, images, np.tile(view.K, (len(rows), 1, 1)), from_rig))
        report(Progress("reading the film", c + 1, len(own.sources)))
    rows, images, K, from_rig = (np.concatenate(column) for column in zip(*parts, strict=True))
    height_px = face_px(person, K, from_rig)
    if height_px < LEAST_FACE_PX:
        raise InputError(
            f"{names}: the face is {height_px:.0f} pixels high in squares of {size}, expected at "
            f"least {LEAST_FACE_PX}: come closer to the camera, or give a larger --size"
        )
    order = np.argsort(performance.time_s[rows], kind="stable")
    rows = rows[order]
    film = AvatarFilm(
        person, images[order], None, None, None, K[order], from_rig[order],
        performance.weights[rows], len(rows) - int(_HELD_OUT * len(rows)),
    )  # fmt: skip
    place = np.empty(len(performance.camera), np.int64)
    place[rows] = np.arange(len(rows))
    crops = (FilmCrop(p, crop, performance.frame[own_rows], place[own_rows])
             for p, crop, own_rows in cut)  # fmt: skip
    return film, tuple(crops)


def head_crop(person: Template, camera: Camera, posed: NDArray[np.floating]) -> FaceCrop:
    """The square that holds the head down to below the chin, with room for hair, in all frames of
    vertices (T, V, 3), world, as `camera` sees them undistorted."""
    face = person.landmarks.positions(person.vertices, person.triangles)
    chin, brow = float(np.nanmin(face[:, 1])), float(np.nanmax(face[:, 1]))
    shown = person.vertices[:, 1] > chin - _BELOW_CHIN * (brow - chin)
    at = posed[:, shown] @ camera.camera_from_world[:3, :3].T + camera.camera_from_world[:3, 3]
    pixels = (at / np.maximum(at[..., 2:], 1e-3)) @ camera.K[:2].T
    low, high = pixels.min((0, 1)), pixels.max((0, 1))
    side = float((high - low).max() * (1 + 2 * _MARGIN))
    left, top = ((low + high) / 2 - side / 2).tolist()
    return FaceCrop(camera, left, top, side)


def face_px(person: Template, K: NDArray[np.float64], from_rig: NDArray[np.float64]) -> float:
    """Median height of the neutral face in frames of K (T, 3, 3), pixels."""
    face = person.landmarks.positions(person.vertices, person.triangles)
    face = face[np.isfinite(face).all(1)]
    at = face @ from_rig[:, :3, :3].transpose(0, 2, 1) + from_rig[:, None, :3, 3]
    down = ((at / np.maximum(at[..., 2:], 1e-3)) @ K[:, 1, :, None])[..., 0]
    return float(np.median(np.ptp(down, axis=1)))
