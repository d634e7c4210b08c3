"""The film with its mattes: those that the user has, what a still camera tells, or a net's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.errors import InputError
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.film_crop import FilmCrop
from mien_training.avatar.film.mesh_masks import MeshMasks
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
    "plate": "mattes: the camera is still, so other frames tell what is behind the head",
    "net": "mattes: what is behind the head moves or is never seen, so a net tells hair from it",
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
    if len(crops) == 1:
        band_px = _HAIR * head_height(masks.covered)
        seen = plate_mattes(film.images, masks.covered, band_px)
        if seen is not None:
            return replace(film, alpha=seen.alpha, known=seen.known, plate=seen.plate), "plate"
    found = net_mattes(film.images, masks.covered, report=bars)
    return replace(film, alpha=found.alpha, known=found.known), "net"
