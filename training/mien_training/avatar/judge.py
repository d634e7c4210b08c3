"""How near an avatar's pictures come to frames that it has not learnt from, by region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mien_training.avatar.film.avatar_film import AvatarFilm

__all__ = ["Draw", "over_grey", "psnr_by_region", "sharpness"]

Float32Array = NDArray[np.float32]
Draw = Callable[[int], Float32Array]
"""Frame -> (S, S, 4) premultiplied, 0..1."""
_GREY = 0.5
_FEWEST = 5


def over_grey(image: Float32Array) -> Float32Array:
    """(..., 3) of premultiplied (..., 4)."""
    return np.asarray(image[..., :3] + (1 - image[..., 3:]) * _GREY)


def truth_over_grey(film: AvatarFilm, frame: int) -> Float32Array:
    """(S, S, 3); where coverage is unknown, as the film has it."""
    image = film.premultiplied(frame).numpy()
    if film.alpha is None:
        return image
    alpha = film.alpha[frame][..., None].astype(np.float32) / 255
    return np.asarray(image + (1 - alpha) * _GREY)


def psnr_by_region(
    film: AvatarFilm, masks: Mapping[str, NDArray[np.bool_]], frames: Sequence[int], draw: Draw
) -> dict[str, float]:
    """dB over all pixels of a region in these frames whose coverage is known, and `alpha`: mean
    error of coverage, 0..1.

    masks: (T, S, S) by name. Regions that no frame shows are left out.
    """
    squares: dict[str, list[float]] = {name: [] for name in masks}
    counts: dict[str, list[int]] = {name: [] for name in masks}
    wrong = []
    for frame in frames:
        image = draw(frame)
        error = np.square(over_grey(image) - truth_over_grey(film, frame)).mean(-1)
        known = np.ones(error.shape, bool) if film.known is None else film.known[frame]
        for name, mask in masks.items():
            inside = mask[frame] & known
            squares[name].append(float(error[inside].sum()))
            counts[name].append(int(inside.sum()))
        if film.alpha is not None:
            off = np.abs(image[..., 3] - film.alpha[frame] / 255.0)
            wrong.append(off[known].mean() if known.any() else 0.0)
    found = {
        name: float(-10 * np.log10(max(sum(squares[name]) / sum(counts[name]), 1e-10)))
        for name in masks
        if sum(counts[name]) >= _FEWEST
    }
    if wrong:
        found["alpha"] = float(np.mean(wrong))
    return found


def sharpness(
    film: AvatarFilm, mask: NDArray[np.bool_], frames: Sequence[int], draw: Draw
) -> tuple[float, float]:
    """Energy of neighbouring pixels' differences within a mask (T, S, S), in parts of the film's,
    and their correlation with the film's."""
    ours, theirs, both = 0.0, 0.0, 0.0
    for frame in frames:
        inside = mask[frame]
        inner = inside[1:, 1:] & inside[:-1, 1:] & inside[1:, :-1]
        images = (over_grey(draw(frame)), truth_over_grey(film, frame))
        a, b = (_differences(image)[inner] for image in images)
        ours, theirs, both = ours + (a**2).sum(), theirs + (b**2).sum(), both + (a * b).sum()
    if not min(ours, theirs) > 0:
        return 0.0, 0.0
    return float(ours / theirs), float(both / np.sqrt(ours * theirs))


def _differences(image: Float32Array) -> Float32Array:
    """(S - 1, S - 1, 2) of luminance."""
    grey = image @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.stack([grey[1:, 1:] - grey[1:, :-1], grey[1:, 1:] - grey[:-1, 1:]], -1)
