"""Which camera belongs to which film or picture, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from mien.errors import InputError
from mien_training.cameras.camera import Camera
from mien_training.cameras.imports.foreign_camera import ForeignCamera
from mien_training.cameras.lens import LensCamera

__all__ = ["cameras_by_name"]

_STILL = (
    "expected cameras that stand still: one picture of each, or many with one pose; frames of one "
    "moving camera are no calibration"
)
_MOST_LISTED = 8


def cameras_by_name(
    cameras: Sequence[ForeignCamera], films: Sequence[Path], where: str
) -> dict[str, ForeignCamera]:
    """File name -> camera.

    films: the films, pictures or folders of pictures that the calibration is for. Each takes the
    camera whose picture is called the same; else the same up to the suffix; else whose picture lies
    in a folder called as the film is without its suffix, the nearest folder first. Without films,
    the pictures' own names, or, where those repeat, their folders'. Raises InputError, naming what
    it found, for films without a camera, with several, or with one that moves, and for names that
    repeat.
    """
    if films:
        return _matched(cameras, films, where)
    names = [PurePosixPath(one.picture).name for one in cameras]
    if len(set(names)) == len(names):
        return dict(zip(names, cameras, strict=True))
    groups: dict[PurePosixPath, list[ForeignCamera]] = {}
    for one in cameras:
        groups.setdefault(PurePosixPath(one.picture).parent, []).append(one)
    found: dict[str, ForeignCamera] = {}
    for folder, group in groups.items():
        if not folder.name or folder.name in found:
            shown = sorted({n for n in names if names.count(n) > 1})[0]
            raise InputError(
                f"{where}: several pictures are called {shown!r}, and their folders do not tell "
                "the cameras apart either; expected --names with the films or folders"
            )
        found[folder.name] = _only(group, folder.name, where)
    return found


def _matched(
    cameras: Sequence[ForeignCamera], films: Sequence[Path], where: str
) -> dict[str, ForeignCamera]:
    found: dict[str, ForeignCamera] = {}
    taken: dict[str, str] = {}
    levels = [_levels(one) for one in cameras]
    for film in films:
        name = film.name
        if name in found:
            raise InputError(f"--names: two are called {name!r}, expected different names")
        best = min((_level(own, name) for own in levels), default=None)
        if best is None or best == _NOWHERE:
            listed = [one.picture for one in cameras]
            more = f" and {len(listed) - _MOST_LISTED} more" * (len(listed) > _MOST_LISTED)
            raise InputError(
                f"--names: no camera for {name!r} in {where}; it has "
                f"{', '.join(listed[:_MOST_LISTED])}{more}. Expected a picture, or its folder, of "
                f"that name; {_STILL}"
            )
        group = [one for own, one in zip(levels, cameras, strict=True) if _level(own, name) == best]
        camera = _only(group, name, where, folder=best > 1)
        if camera.picture in taken:
            raise InputError(
                f"--names: {taken[camera.picture]!r} and {name!r} both take the camera of "
                f"{camera.picture}, expected one film for each camera"
            )
        taken[camera.picture] = name
        found[name] = camera
    return found


_NOWHERE = 1 << 20


def _levels(one: ForeignCamera) -> tuple[str, ...]:
    """Whole name, name without suffix, folders from the nearest outwards."""
    path = PurePosixPath(one.picture)
    return (path.name, path.stem, *(folder.name for folder in path.parents if folder.name))


def _level(own: tuple[str, ...], name: str) -> int:
    """The first of `_levels` that a film's name fits; 0 the whole name, `_NOWHERE` none."""
    if own[0] == name:
        return 0
    stem = PurePosixPath(name).stem
    for level, key in enumerate(own[1:], 1):
        if key in (stem, name):
            return level
    return _NOWHERE


def _only(
    group: Sequence[ForeignCamera], name: str, where: str, folder: bool = True
) -> ForeignCamera:
    """The camera that all of a group are."""
    first = group[0]
    if all(_same(first.camera, other.camera) for other in group[1:]):
        return first
    shown = ", ".join(one.picture for one in group[:3]) + ", .." * (len(group) > 3)
    if folder:
        raise InputError(
            f"{where}: {len(group)} pictures of {name!r} ({shown}) were taken from different "
            f"places or with different lenses; {_STILL}"
        )
    raise InputError(
        f"--names: {name!r} may be any of {shown} in {where}, expected a name that fits one"
    )


def _same(a: Camera, b: Camera) -> bool:
    if (a.width, a.height) != (b.width, b.height) or type(a) is not type(b):
        return False
    if isinstance(a, LensCamera) and isinstance(b, LensCamera) and a.lens != b.lens:
        return False
    far = 1e-6 * max(1.0, float(np.abs(a.camera_from_world[:3, 3]).max()))
    return (
        np.allclose(a.K, b.K, rtol=1e-6)
        and (a.k1, a.k2) == (b.k1, b.k2)
        and np.allclose(a.camera_from_world, b.camera_from_world, rtol=0, atol=far)
    )
