"""The film with its mattes: those that the user has, else a net's, checked by a still camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.errors import InputError
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.film_crop import FilmCrop
from mien_training.avatar.film.mesh_masks import MeshMasks
from mien_training.avatar.mattes.cross_check import cross_checked
from mien_training.avatar.mattes.given import given_mattes
from mien_training.avatar.mattes.mesh_hints import head_height
from mien_training.avatar.mattes.net_mattes import net_mattes
from mien_training.avatar.mattes.plate import plate_mattes
from mien_training.runs.progress import ProgressBars

__all__ = ["WAYS", "matted"]

_HAIR = 0.3
"""How far hair may reach beyond the mesh, of the head's height in the image."""
WAYS = {
    "given": "mattes: as given",
    "net and plate": "mattes: a net tells hair from what is behind it; frames of the still camera "
    "check it",
    "net": "mattes: a net tells hair from what is behind it, which moves or is never seen alone",
}
"""Where mattes may come from, in words."""


def matted(
    film: AvatarFilm, crops: Sequence[FilmCrop], masks: MeshMasks, mattes: Path | None,
    bars: ProgressBars,
) -> tuple[AvatarFilm, str]:  # fmt: skip
    """The film with coverage, and which of WAYS it came. Raises InputError for mattes that do not
    fit."""
    film, way = _matted(film, crops, masks, mattes, bars)
    bars.say(WAYS[way])
    return film, way


def _matted(
    film: AvatarFilm, crops: Sequence[FilmCrop], masks: MeshMasks, mattes: Path | None,
    bars: ProgressBars,
) -> tuple[AvatarFilm, str]:  # fmt: skip
    if mattes is not None:
        if len(crops) > 1:
            raise InputError(
                f"{mattes}: mattes of one film, but the rig has {len(crops)} cameras; leave "
                "--mattes out, and a net finds those of all"
            )
        alpha = np.zeros(film.images.shape[:3], np.uint8)
        for one in crops:
            alpha[one.rows] = given_mattes(
                mattes, one.source, one.crop, one.frames.tolist(), film.side
            )
        return replace(film, alpha=alpha), "given"
    found = net_mattes(film.images, masks.covered, report=bars)
    plate = None
    if len(crops) == 1:
        bars.say("looking for what is behind the head")
        plate = plate_mattes(film.images, masks.covered, _HAIR * head_height(masks.covered))
    if plate is None:
        return replace(film, alpha=found.alpha, known=found.known), "net"
    found = cross_checked(found, plate)
    # A plate with gaps would be subtracted as grey there.
    behind = plate.plate if plate.whole else None
    return replace(film, alpha=found.alpha, known=found.known, plate=behind), "net and plate"
