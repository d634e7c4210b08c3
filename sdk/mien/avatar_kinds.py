"""The manifest's list `avatars`: Gaussian splats, and a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mien.avatar_entry import AvatarEntry, check_names, common_from
from mien.errors import PackageError
from mien.strict_json import Fields

__all__ = [
    "KINDS",
    "MOST_COEFFICIENTS",
    "Avatar",
    "SplatsEntry",
    "VolumeEntry",
    "avatars_from",
    "check_avatars",
]

MOST_COEFFICIENTS = 64
_MOST_AVATARS = 8
_MOST_GAUSSIANS = 1 << 20
_MOST_SAMPLES = 1024
_MOST_WIDTH = 4096
_MOST_PLACES = 1 << 20
_SHELL_M = ("reach_m", "fade_m", "skin_m", "below_m")
_LARGEST_SHELL_M = 1.0


@dataclass(frozen=True, kw_only=True)
class SplatsEntry(AvatarEntry):
    """Gaussians on the anchors of the character's mesh, moved by a few linear maps."""

    KIND: ClassVar[str] = "splats"

    splats: str
    """File of the Gaussians, what anchors them and the maps: `files.splats`."""
    network: str
    """File of the network of coefficients: `files.network`."""
    coefficients: tuple[str, ...]
    """D names of what the network gives: the amount of each map."""
    gaussians: int
    """How many there are."""

    @property
    def files(self) -> Mapping[str, str]:
        """What each file is -> its name in the package."""
        return {"splats": self.splats, "network": self.network}

    def own_dict(self) -> dict[str, Any]:
        """The fields that this kind alone has, as plain JSON values."""
        return {"coefficients": list(self.coefficients), "gaussians": self.gaussians}

    def check(self, where: str, files: Sequence[str] | None = None) -> None:
        """As `AvatarEntry.check`."""
        super().check(where, files)
        check_names(f"{where}.coefficients'", self.coefficients, MOST_COEFFICIENTS)
        if not 0 < self.gaussians <= _MOST_GAUSSIANS:
            raise PackageError(
                f"{where}.gaussians' is {self.gaussians}, expected 1 to {_MOST_GAUSSIANS}"
            )


@dataclass(frozen=True, kw_only=True)
class VolumeEntry(AvatarEntry):
    """A radiance field that hangs on the anchors of the character's mesh."""

    KIND: ClassVar[str] = "volume"

    volume: str
    """File of the anchors and of the shell in which the head may be: `files.volume`."""
    features: str
    """File of the network that gives the anchors' features: `files.features`."""
    coarse: str
    """File of the field that tells where to look again: `files.coarse`."""
    field: str
    """File of the field that is shown: `files.field`."""
    vertices: int
    """V, of the character's mesh."""
    anchors: int
    """N, on the skin and above it."""
    width: int
    """W, numbers of an anchor's features, in each of the two tables."""
    samples: tuple[int, int]
    """Along a ray: of the coarse field, and further ones of the field that is shown."""
    reach_m: float
    """Distance from an anchor at which there is nothing any more."""
    fade_m: float
    """Over the last of which density fades."""
    skin_m: float
    """How far before the skin a ray begins, at the latest."""
    below_m: float
    """How far behind it it ends."""

    @property
    def files(self) -> Mapping[str, str]:
        """What each file is -> its name in the package."""
        names = ("volume", "features", "coarse", "field")
        return {name: getattr(self, name) for name in names}

    def own_dict(self) -> dict[str, Any]:
        """The fields that this kind alone has, as plain JSON values."""
        return {
            "vertices": self.vertices,
            "anchors": self.anchors,
            "width": self.width,
            "samples": {"coarse": self.samples[0], "fine": self.samples[1]},
            "shell": {name: getattr(self, name) for name in _SHELL_M},
        }

    def check(self, where: str, files: Sequence[str] | None = None) -> None:
        """As `AvatarEntry.check`."""
        super().check(where, files)
        for key, value, least, most in (
            ("vertices", self.vertices, 1, _MOST_PLACES), ("width", self.width, 1, _MOST_WIDTH),
            ("anchors", self.anchors, 4, _MOST_PLACES),
            ("samples.coarse", self.samples[0], 1, _MOST_SAMPLES),
            ("samples.fine", self.samples[1], 1, _MOST_SAMPLES),
        ):  # fmt: skip
            if not least <= value <= most:
                raise PackageError(f"{where}.{key}' is {value}, expected {least} to {most}")
        for key in _SHELL_M:
            value_m = getattr(self, key)
            if not 0 < value_m <= _LARGEST_SHELL_M:
                raise PackageError(
                    f"{where}.shell.{key}' is {value_m:g}, expected above 0, at most "
                    f"{_LARGEST_SHELL_M:g}"
                )


Avatar = SplatsEntry | VolumeEntry
KINDS: Mapping[str, type[SplatsEntry] | type[VolumeEntry]] = {
    SplatsEntry.KIND: SplatsEntry, VolumeEntry.KIND: VolumeEntry
}  # fmt: skip


def check_avatars(entries: Sequence[Avatar], where: str, files: Sequence[str] | None) -> None:
    """Raises PackageError for a list of avatars that no reader could use."""
    if len(entries) > _MOST_AVATARS:
        raise PackageError(
            f"{where}: field 'avatars' has {len(entries)} entries, expected at most {_MOST_AVATARS}"
        )
    for index, entry in enumerate(entries):
        entry.check(f"{where}: field 'avatars[{index}]", files)


def avatars_from(items: Sequence[Fields], strict: bool) -> tuple[Avatar, ...]:
    """The entries in a manifest's JSON; strict: other fields than these are refused, and other
    kinds; otherwise those are left out, which a newer mien knows."""
    return tuple(_entry(item, strict) for item in items if strict or item.text("kind") in KINDS)


def _entry(fields: Fields, strict: bool) -> Avatar:
    kind = fields.text("kind")
    if kind not in KINDS:
        raise PackageError(
            f"{fields.where}: field 'kind' is {kind!r}, expected one of {', '.join(KINDS)}"
        )
    return _splats(fields, strict) if kind == SplatsEntry.KIND else _volume(fields, strict)


def _splats(fields: Fields, strict: bool) -> SplatsEntry:
    files = fields.object("files")
    if strict:
        fields.only(*AvatarEntry.COMMON, "coefficients", "gaussians")
        files.only("splats", "network")
    return SplatsEntry(
        splats=files.text("splats"),
        network=files.text("network"),
        coefficients=fields.texts("coefficients"),
        gaussians=fields.integer("gaussians", 1),
        **common_from(fields, strict),
    )


def _volume(fields: Fields, strict: bool) -> VolumeEntry:
    files, samples, shell = (fields.object(key) for key in ("files", "samples", "shell"))
    if strict:
        fields.only(*AvatarEntry.COMMON, "vertices", "anchors", "width", "samples", "shell")
        files.only("volume", "features", "coarse", "field")
        samples.only("coarse", "fine")
        shell.only(*_SHELL_M)
    return VolumeEntry(
        volume=files.text("volume"),
        features=files.text("features"),
        coarse=files.text("coarse"),
        field=files.text("field"),
        vertices=fields.integer("vertices", 1),
        anchors=fields.integer("anchors", 1),
        width=fields.integer("width", 1),
        samples=(samples.integer("coarse", 1), samples.integer("fine", 1)),
        reach_m=shell.number("reach_m"),
        fade_m=shell.number("fade_m"),
        skin_m=shell.number("skin_m"),
        below_m=shell.number("below_m"),
        **common_from(fields, strict),
    )
