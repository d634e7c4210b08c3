"""The characters that a server offers: the opened package, and the file that clients download."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mien
from mien.budget import Budget
from mien.errors import InputError, PackageError
from mien.package import package_bytes, read_package
from mien.service.statuses import UnknownCharacterError

if TYPE_CHECKING:
    from mien.character import Character

__all__ = ["CharacterRegistry", "ServedCharacter"]


@dataclass(frozen=True, eq=False)
class ServedCharacter:
    """One character."""

    character: Character
    data: bytes
    """The package file; for a package that is a folder, the file it would be."""
    sha256: str
    """Hexadecimal, of `data`."""
    manifest_json: str

    @classmethod
    def load(
        cls,
        path: Path,
        budget: Budget | None = None,
        load: Callable[[bytes], Character] = mien.load,
    ) -> ServedCharacter:
        """Open and verify a .mien file or folder, whose bytes are charged to `budget`.

        The package is read once. What is animated is loaded from the bytes that clients download,
        so that both are the same even when the file is replaced meanwhile. `load` opens them.
        Raises PackageError, InputError.
        """
        data = _read_once(path, budget)
        try:
            package = read_package(data)
            character = load(data)
            # Checked now: not while the first client waits, and never on the event loop.
            _ = character.rig, character.animator, character.wrinkles
        except PackageError as error:
            raise PackageError(f"{path}: {error}") from None
        manifest = package.source.read("manifest.json").decode()
        return cls(character, data, hashlib.sha256(data).hexdigest(), manifest)


def _read_once(path: Path, budget: Budget | None) -> bytes:
    """The package file in `path`, or the file that a folder would be."""
    if path.is_dir():
        package = read_package(path, budget)
        files = {name: package.read_bytes(name) for name in package.manifest.files}
        return package_bytes(package.manifest, files)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if budget is not None:
                budget.spend(size, str(path))
            data = file.read(size + 1)
    except OSError as reason:
        raise InputError(f"cannot read {str(path)!r}: {reason.strerror}") from None
    if len(data) != size:
        raise PackageError(f"{path}: changed while it was read")
    return data


class CharacterRegistry:
    """Served characters by name. Raises InputError when two have one name."""

    def __init__(self, characters: Iterable[ServedCharacter]) -> None:
        self._served: dict[str, ServedCharacter] = {}
        for served in sorted(characters, key=lambda served: served.character.name):
            name = served.character.name
            if name in self._served:
                raise InputError(f"two packages hold a character named {name!r}: serve one of them")
            self._served[name] = served

    def __getitem__(self, name: str) -> ServedCharacter:
        """Raises UnknownCharacterError, naming what there is."""
        try:
            return self._served[name]
        except KeyError:
            known = ", ".join(map(repr, self._served)) or "no characters"
            raise UnknownCharacterError(
                f"there is no character {name!r} here, there is {known}"
            ) from None

    def characters(self) -> tuple[ServedCharacter, ...]:
        """All of them, sorted by name."""
        return tuple(self._served.values())

    def __iter__(self) -> Iterator[str]:
        """The names, sorted."""
        return iter(self._served)

    def __len__(self) -> int:
        return len(self._served)
