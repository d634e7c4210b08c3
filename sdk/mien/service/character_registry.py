"""The characters that a server offers: the opened package, and the file that clients download."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mien
from mien.errors import InputError
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
    def load(cls, path: Path) -> ServedCharacter:
        """Open and verify a .mien file or folder. Raises PackageError, InputError."""
        try:
            # Kept in memory: a file that is replaced while it is served would not fit its hash.
            data = None if path.is_dir() else path.read_bytes()
        except OSError as reason:
            raise InputError(f"cannot read {str(path)!r}: {reason.strerror}") from None
        package = read_package(path)
        if data is None:
            files = {name: package.read_bytes(name) for name in package.manifest.files}
            data = package_bytes(package.manifest, files)
        manifest = package.source.read("manifest.json").decode()
        character = mien.load(path)
        # Loaded and checked now: not while the first client waits, and never on the event loop.
        _ = character.rig, character.animator
        return cls(character, data, hashlib.sha256(data).hexdigest(), manifest)


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
