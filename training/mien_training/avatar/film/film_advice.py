"""What a film does not show of a head, in words for whoever films again."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from mien_training.avatar.film.avatar_film import AvatarFilm

__all__ = ["film_advice"]

_SHOWN = 0.3
"""Weight that a shape must have reached in some training frame."""
_TURNED_DEG, _NODDED_DEG = 20.0, 8.0
"""How far the head should have turned to each side, and up and down."""
_TOLD, _BAND = 0.6, 20
"""Share of the pixels about the outline whose coverage should be known, within a 20th of the image
on both sides of it; the outline itself is half covered, and doubtful at best."""
_EVERY = 5
_HALF = 127


def film_advice(film: AvatarFilm) -> tuple[str, ...]:
    """One sentence each: shapes that were not seen, turns, and hair; none if nothing lacks."""
    found = []
    most = film.weights[: film.training].max(0)
    unseen = [n for n, w in zip(film.person.shape_names, most, strict=True) if w < _SHOWN]
    if unseen:
        found.append(
            f"{len(unseen)} of {len(most)} shapes were hardly seen, and look as at rest: "
            f"{', '.join(unseen)}."
        )
    found += _turns(film)
    told = _outline_known(film)
    if told < _TOLD:
        found.append(
            f"Hair and what is behind it could be told apart in {100 * told:.0f} % of the outline: "
            "film before a plain wall that is not the hair's colour, or give --mattes."
        )
    return tuple(found)


def _turns(film: AvatarFilm) -> list[str]:
    """The camera, seen from the head: where it has been, it knows the head."""
    pose = film.camera_from_rig[: film.training]
    centre = -np.einsum("tji,tj->ti", pose[:, :3, :3], pose[:, :3, 3])
    middle = 0.5 * (film.person.vertices.min(0) + film.person.vertices.max(0))
    x, y, z = (centre - middle).T
    yaw = np.degrees(np.arctan2(x, z))
    pitch = np.degrees(np.arctan2(y, np.hypot(x, z)))
    # Its left side is shown by a turn to the right.
    reached = {
        "right": (yaw.max(), _TURNED_DEG), "left": (-yaw.min(), _TURNED_DEG),
        "down": (pitch.max(), _NODDED_DEG), "up": (-pitch.min(), _NODDED_DEG),
    }  # fmt: skip
    return [
        f"Turn the head {way}: {max(angle, 0.0):.0f} degrees were filmed, {wanted:.0f} are good."
        for way, (angle, wanted) in reached.items()
        if angle < wanted
    ]


def _outline_known(film: AvatarFilm) -> float:
    """Share of the pixels about the outline of the coverage whose coverage is known."""
    if film.alpha is None:
        return 0.0
    if film.known is None:
        return 1.0
    reach = max(1, film.side // _BAND)
    shares = []
    for frame in range(0, film.training, _EVERY):
        inside = film.alpha[frame] > _HALF
        wide = ndimage.binary_dilation(inside, iterations=reach)
        band = wide & ~ndimage.binary_erosion(inside, iterations=reach)
        if band.any():
            shares.append(float(film.known[frame][band].mean()))
    return float(np.mean(shares)) if shares else 0.0
