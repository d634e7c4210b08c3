"""What is measured of an avatar's pictures against known truth: by region, frame and camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from avatar_case import REGIONS, AvatarCase
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from mien.tracker.face_nets import FaceNets
from mien.tracker.roi import box_around_landmarks
from mien.tracker.tracker import Tracker
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.judge import Draw, over_grey, psnr_by_region, sharpness, truth_over_grey

__all__ = ["DrawFilm", "figures"]

DrawFilm = Callable[[AvatarFilm, int], NDArray[np.float32]]
"""Film and frame -> (S, S, 4) premultiplied, 0..1."""
_EYE_CORNERS = (33, 263)
_READ_SIDE = 512
_READ_EVERY = 4
_NO_FACE = 1.0
"""Counted for a picture in which the tracker finds no face."""
_STILLS, _STILL_ERROR = 10, 0.02
"""Draws of a still face, and how much a tracker's weights then differ from one to the next."""


def figures(case: AvatarCase, film: AvatarFilm, draw: DrawFilm, every: int = 1) -> dict[str, Any]:
    """Of every `every`th held-out frame of `case`, drawn at the mesh and poses that `film` has.

    front, aside: PSNR by region and `alpha`. worst, p5: the worst frame's PSNR of the features
    before the front camera, and that which 5 % of frames do not reach. ssim: over the features'
    pixels. sharp, alike: energy of differences over the head in parts of the truth's, and their
    correlation. points: the tracker's landmarks in the picture against those in the truth, mean,
    in parts of the eyes' distance. flicker: deviation of the features' pixels, in codes of 255,
    while a face rests and its weights shake.
    """
    kept: dict[int, NDArray[np.float32]] = {}

    def once(frame: int) -> NDArray[np.float32]:
        if frame not in kept:
            kept[frame] = draw(film, frame)
        return kept[frame]

    shift = len(film) - len(case.film)
    front, aside = ([f + shift for f in r][::every] for r in (case.front, case.aside))
    masks = {name: _shifted(case.masks[name], shift) for name in REGIONS}
    single = [psnr_by_region(film, masks, [f], once).get("features", np.nan) for f in front]
    sharp, alike = sharpness(film, masks["head"], front, once)
    return {
        "front": psnr_by_region(film, masks, front, once),
        "aside": psnr_by_region(film, masks, aside, once),
        "worst": float(np.nanmin(single)), "p5": float(np.nanpercentile(single, 5)),
        "ssim": _ssim(film, masks["features"], front, once),
        "sharp": sharp, "alike": alike,
        "points": _points(film, front[:: max(1, _READ_EVERY // every)], once),
        "flicker": _flicker(film, masks["features"], front[len(front) // 2], draw),
    }  # fmt: skip


def _shifted(mask: NDArray[np.bool_], shift: int) -> NDArray[np.bool_]:
    """(T + shift, S, S): masks of the held-out frames at their places in a shorter film."""
    return mask[-shift:] if shift else mask


def _ssim(film: AvatarFilm, mask: NDArray[np.bool_], frames: list[int], draw: Draw) -> float:
    found = []
    for frame in frames:
        pair = (over_grey(draw(frame)), truth_over_grey(film, frame))
        _, each = structural_similarity(*pair, channel_axis=2, data_range=1.0, full=True)
        found.append(each[mask[frame]].mean())
    return float(np.nanmean(found))


@lru_cache(maxsize=1)
def _nets() -> FaceNets:
    return FaceNets(min_presence=0.1)


def _points(film: AvatarFilm, frames: list[int], draw: Draw) -> float | None:
    found = []
    for frame in frames:
        seen = Tracker().track(_large(truth_over_grey(film, frame)))
        if not seen:
            continue
        truth = seen[0].landmarks[:, :2]
        box = box_around_landmarks(seen[0].landmarks)
        ours = _nets().landmarks_in(_large(over_grey(draw(frame))), box)
        eyes = np.linalg.norm(truth[_EYE_CORNERS[0]] - truth[_EYE_CORNERS[1]])
        if ours is None:
            found.append(_NO_FACE)
            continue
        found.append(float(np.linalg.norm(ours.landmarks[:, :2] - truth, axis=1).mean() / eyes))
    return float(np.mean(found)) if found else None


def _large(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    codes = np.rint(255 * image.clip(0, 1)).astype(np.uint8)
    size = (_READ_SIDE, _READ_SIDE)
    return np.asarray(Image.fromarray(codes).resize(size, Image.Resampling.BICUBIC))


def _flicker(film: AvatarFilm, mask: NDArray[np.bool_], frame: int, draw: DrawFilm) -> float:
    rng = np.random.default_rng(11)
    shape = (_STILLS, film.weights.shape[1])
    weights = film.weights[frame] + _STILL_ERROR * rng.normal(size=shape)
    still = replace(
        film, images=film.images[[frame] * _STILLS],
        alpha=None, known=None, K=film.K[[frame] * _STILLS],
        camera_from_rig=film.camera_from_rig[[frame] * _STILLS],
        weights=weights.clip(0, 1).astype(np.float32), training=1,
    )  # fmt: skip
    with torch.no_grad():
        drawn = np.stack([over_grey(draw(still, n)) for n in range(_STILLS)])
    return float(255 * drawn.std(0).mean(-1)[mask[frame]].mean())
