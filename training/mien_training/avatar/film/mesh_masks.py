"""What the mesh says about every pixel of a film: where it is, and where people look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.cameras.camera import Camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.head import MATERIALS, Template
from mien_training.rendering.visibility import rasterize
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["MeshMasks", "mesh_masks"]

_LOOKED_AT = ("lips", "lids", "brows")


@dataclass(frozen=True, eq=False)
class MeshMasks:
    """Of T frames."""

    covered: NDArray[np.bool_]
    """(T, S, S) by the mesh."""
    looked_at: NDArray[np.bool_]
    """(T, S, S) lips, lids, brows, eyes and the mouth's inside."""
    mouth: NDArray[np.bool_]
    """(T, S, S) the mouth's inside alone."""


def mesh_masks(film: AvatarFilm, report: Report = silent) -> MeshMasks:
    """By the film's person and poses."""
    person = film.person
    triangles = torch.from_numpy(person.triangles.astype(np.int64))
    looked_at, mouth = _parts(person)
    found = []
    one = torch.zeros(1, dtype=torch.long)
    for frame in range(len(film)):
        camera = Camera(film.K[frame], film.camera_from_rig[frame], film.side, film.side)
        clip = CameraBatch.of([camera]).clip(one, film.vertices([frame]))
        drawn = rasterize(clip, triangles, (film.side, film.side)).tri_id[0].numpy()
        there = drawn >= 0
        found.append((there, there & looked_at[drawn], there & mouth[drawn]))
        report(Progress("reading the mesh", frame + 1, len(film)))
    return MeshMasks(*(np.stack(column) for column in zip(*found, strict=True)))


def _parts(person: Template) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(F,) triangles that are looked at, and those of the mouth's inside."""
    inside = np.isin(
        person.triangle_material, [MATERIALS.index(m) for m in ("teeth", "mouth", "tongue")]
    )
    looked_at = inside | (person.triangle_material == MATERIALS.index("eye"))
    for name in _LOOKED_AT:
        member = person.regions.get(name)
        if member is not None:
            looked_at |= member[person.triangles].all(1)
    return np.asarray(looked_at), np.asarray(inside)
