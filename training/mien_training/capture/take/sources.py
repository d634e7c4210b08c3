"""Which film or folder of pictures belongs to which camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mien.errors import InputError
from mien.video import IMAGE_SUFFIXES
from mien_training.capture.take.numbered_pictures import pictures_in

__all__ = ["is_film", "matched_sources", "sources_of"]

_MOST_LISTED = 8


def is_film(source: Path) -> bool:
    """Neither a folder nor a picture."""
    return not source.is_dir() and source.suffix.lower() not in IMAGE_SUFFIXES


def sources_of(given: Sequence[Path]) -> tuple[Path, ...]:
    """One film, folder of pictures or picture for each camera.

    A folder alone that holds no picture itself stands for the folders in it. Raises InputError,
    naming what is there and what was expected, for fewer than two, for what is missing, for names
    that repeat, and for films beside pictures.
    """
    sources = list(given)
    for source in sources:
        if not source.exists():
            raise InputError(f"{source}: no such file or folder")
    if len(sources) == 1 and sources[0].is_dir() and not pictures_in(sources[0]):
        folder = sources[0]
        sources = sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
        sources = [inside for inside in sources if pictures_in(inside)]
        if len(sources) < 2:
            raise InputError(
                f"{folder}: {len(sources)} folders of pictures in it, expected a folder for each "
                "of two or more cameras"
            )
    if len(sources) < 2:
        named = ", ".join(str(s) for s in sources) or "no source"
        raise InputError(
            f"capture: {named}; expected films or folders of pictures of two or more cameras, or "
            "one folder that holds a folder for each"
        )
    names = [source.name for source in sources]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(
            f"capture: two sources are called {repeated[0]!r}, expected different names: cameras "
            "are told apart by them"
        )
    films = [source.name for source in sources if is_film(source)]
    if films and len(films) < len(sources):
        other = next(source.name for source in sources if not is_film(source))
        raise InputError(
            f"capture: {films[0]} is a film and {other} is not, expected films alone or pictures "
            "alone"
        )
    return tuple(sources)


def matched_sources(
    sources: Sequence[Path], cameras: Sequence[str], where: str
) -> Mapping[str, Path]:
    """Camera's name -> its source, in the order of the sources.

    A source takes the camera of its own name, else the one that is called the same up to the
    suffix. Raises InputError, naming `where` the cameras are from, for a source without a camera,
    with several, or a camera without a source.
    """
    found: dict[str, Path] = {}
    for source in sources:
        exact = [name for name in cameras if name == source.name]
        alike = exact or [name for name in cameras if Path(name).stem == _stem(source)]
        if len(alike) != 1:
            what = "no camera" if not alike else f"several cameras ({', '.join(alike)})"
            raise InputError(
                f"{where}: {what} for {source.name!r}, expected one whose field 'file' is that; "
                f"there are {_listed(cameras)}"
            )
        if alike[0] in found:
            raise InputError(
                f"{where}: camera {alike[0]!r} fits {found[alike[0]].name!r} and {source.name!r}, "
                "expected a camera for each"
            )
        found[alike[0]] = source
    unused = [name for name in cameras if name not in found]
    if unused:
        raise InputError(
            f"{where}: no film or folder for camera {unused[0]!r}, expected one for each; cameras "
            "to be left out are left out by `mien cameras import --names`"
        )
    return found


def _stem(source: Path) -> str:
    return source.name if source.is_dir() else source.stem


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" * (len(names) > _MOST_LISTED)
    return ", ".join(names[:_MOST_LISTED]) + more
