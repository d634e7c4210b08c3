"""The film with its mattes: those that the user has, or what a still camera tells."""

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
from mien_training.avatar.mattes.plate import plate_mattes
from mien_training.runs.progress import ProgressBars

__all__ = ["matted"]

_HAIR = 0.3
"""How far hair may reach beyond the mesh, of the head's height in the image."""


def matted(
    film: AvatarFilm, crops: Sequence[FilmCrop], masks: MeshMasks, mattes: Path | None,
    bars: ProgressBars,
) -> AvatarFilm:  # fmt: skip
    """The film with coverage. Raises InputError where there is none to be had, and for mattes that
    do not fit."""
    if mattes is not None:
        if len(crops) > 1:
            raise InputError(f"{mattes}: mattes of one film, but the rig has {len(crops)} cameras")
        alpha = np.zeros(film.images.shape[:3], np.uint8)
        for one in crops:
            alpha[one.rows] = given_mattes(
                mattes, one.source, one.crop, one.frames.tolist(), film.side
            )
        return replace(film, alpha=alpha)
    if len(crops) > 1:
        raise InputError(
            "train avatar: films of several cameras have no mattes of their own; give --mattes, or "
            "fit the rig to one camera"
        )
    bars.say("looking for what is behind the head")
    height = masks.covered.any(2).sum(1).mean()
    found = plate_mattes(film.images, masks.covered, _HAIR * float(height))
    if found is None:
        raise InputError(
            f"{crops[0].source}: the camera moves, or what is behind the head is never seen, so "
            "nothing tells where hair ends; film with a still camera before a still wall, or give "
            "--mattes"
        )
    return replace(film, alpha=found.alpha, known=found.known, plate=found.plate)
