"""A folder of pictures of calibrated cameras, and of a scan for every moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.errors import InputError
from mien_training.capture.take import FrameRange, MultiViewTake, open_take
from mien_training.capture.take.numbered_pictures import pictures_in
from mien_training.footage.scanned.scan import SCAN_SUFFIXES
from mien_training.runs.content_key import file_digest
from mien_training.runs.progress import Report, silent

__all__ = ["CAMERAS", "REGISTERED", "SCANS", "ScanFolder", "open_scan_folder"]

CAMERAS, SCANS, REGISTERED = "cameras.json", "scans", "registered"
_MOST_LISTED = 5


@dataclass(frozen=True, eq=False)
class ScanFolder:
    """T moments; nothing of pictures and scans is held."""

    path: Path
    take: MultiViewTake
    scans: tuple[Path, ...]
    """T files."""
    registered: tuple[Path | None, ...]
    """T files; None for moments without."""

    def __len__(self) -> int:
        return len(self.scans)

    def digests(self, report: Report = silent) -> dict[str, str]:
        """SHA-256 of what moments are made of, by what it is."""
        found = self.take.digests(report)
        for path in (*self.scans, *(p for p in self.registered if p is not None)):
            found[f"{path.parent.name}/{path.name}"] = file_digest(path)
        return found


def open_scan_folder(folder: Path) -> ScanFolder:
    """`cameras.json`, a folder of numbered pictures for each camera in it, `scans/NUMBER.ply`
    (.obj, .glb, .gltf) for every number, and, where there are some, `registered/NUMBER.npz` (or a
    mesh), all in the calibration's world and unit.

    Raises InputError, naming file and what was expected, for what is missing or does not fit.
    """
    if not folder.is_dir():
        raise InputError(f"--scans {folder}: no such folder")
    for name, kind in ((CAMERAS, "a calibration"), (SCANS, "a folder of scans")):
        if not (folder / name).exists():
            raise InputError(f"--scans {folder}: has no {name}, expected {kind}")
    sources = sorted(
        p
        for p in folder.iterdir()
        if p.is_dir() and p.name not in (SCANS, REGISTERED) and p.name[0] != "." and pictures_in(p)
    )
    if len(sources) < 2:
        raise InputError(
            f"--scans {folder}: {len(sources)} folders of pictures beside {SCANS}, expected one "
            f"for each camera of {CAMERAS}, two or more"
        )
    take = open_take(sources, folder / CAMERAS, FrameRange())
    numbers = take.frames.tolist()
    if len(numbers) < 2:
        raise InputError(
            f"--scans {folder}: one moment, expected two or more: some are held out, to choose by"
        )
    scans = _by_number(folder / SCANS, SCAN_SUFFIXES, numbers)
    missing = [number for number in numbers if number not in scans]
    if missing:
        raise InputError(
            f"{folder / SCANS}: no scan of {len(missing)} moments, the first is number "
            f"{missing[0]}; expected {missing[0]}.ply (or {', '.join(SCAN_SUFFIXES)})"
        )
    registered = {}
    if (folder / REGISTERED).exists():
        registered = _by_number(folder / REGISTERED, (".npz", *SCAN_SUFFIXES), numbers)
    return ScanFolder(
        folder, take, tuple(scans[n] for n in numbers), tuple(registered.get(n) for n in numbers)
    )


def _by_number(folder: Path, suffixes: Sequence[str], numbers: Sequence[int]) -> dict[int, Path]:
    """Number -> file; files of other suffixes, such as textures, are left alone."""
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name[0] == ".":
            continue
        if not (path.stem.isascii() and path.stem.isdecimal()):
            raise InputError(
                f"{path}: expected the number of a moment as its name, such as "
                f"{numbers[0]}{path.suffix}"
            )
        number = int(path.stem)
        if number in found:
            raise InputError(
                f"{path}: {found[number].name} is of moment {number}, too, expected one of them"
            )
        if number not in numbers:
            there = ", ".join(str(n) for n in numbers[:_MOST_LISTED])
            more = " .." * (len(numbers) > _MOST_LISTED)
            raise InputError(
                f"{path}: no pictures of number {number}, expected one of those that the cameras "
                f"took ({there}{more})"
            )
        found[number] = path
    return found
