"""What a manifest says of a character's photoreal avatars: files, names, bounds, who is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from mien.consent import Consent
from mien.errors import PackageError
from mien.strict_json import Fields

__all__ = [
    "COLOUR_SPACE",
    "KINDS",
    "MOST_COEFFICIENTS",
    "AvatarEntry",
    "avatars_from",
    "check_avatars",
]

KINDS = ("splats",)
"""splats: Gaussians on the anchors of the character's mesh, moved by a few linear maps."""
COLOUR_SPACE = "srgb_rec709_display"
"""Colours are display codes, and are blended as such."""
MOST_COEFFICIENTS = 64
_MOST_AVATARS = 8
_MOST_GAUSSIANS = 1 << 20
_MOST_M = 10.0
"""Nothing of a head lies further from its neck."""
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class AvatarEntry:
    """One of the manifest's list `avatars`."""

    kind: str
    """One of KINDS."""
    splats: str
    """File of the Gaussians, what anchors them and the maps: `files.splats`."""
    network: str
    """File of the network of coefficients: `files.network`."""
    channels: tuple[str, ...]
    """K channels of the character that the network takes, in order."""
    coefficients: tuple[str, ...]
    """D names of what the network gives: the amount of each map."""
    gaussians: int
    """How many there are."""
    low_m: Vector
    """Lower corner of the box that holds all Gaussians' centres in every expression, rig space."""
    high_m: Vector
    """Upper corner of it."""
    consent: Consent
    """Why pictures of this person may be made."""
    synthetic_mark: str
    """What every picture of this avatar must say of itself: that it is no photograph."""
    colour_space: str = COLOUR_SPACE

    def check(self, where: str, files: Sequence[str] | None = None) -> None:
        """Raises PackageError, naming the field, for what no reader could use; `where` ends in the
        entry's place in the list; files: those of the package, where they are known."""
        if self.kind not in KINDS:
            raise PackageError(
                f"{where}.kind' is {self.kind!r}, expected one of {', '.join(KINDS)}"
            )
        if self.colour_space != COLOUR_SPACE:
            raise PackageError(
                f"{where}.colour_space' is {self.colour_space!r}, expected {COLOUR_SPACE!r}"
            )
        for key, names, most in (
            ("channels", self.channels, 1 << 12),
            ("coefficients", self.coefficients, MOST_COEFFICIENTS),
        ):
            twice = sorted(name for name, n in Counter(names).items() if n > 1)
            if twice or not 0 < len(names) <= most:
                problem = f"holds {twice[0]!r} twice" if twice else f"has {len(names)} names"
                raise PackageError(f"{where}.{key}' {problem}, expected 1 to {most} of them")
        if not 0 < self.gaussians <= _MOST_GAUSSIANS:
            raise PackageError(
                f"{where}.gaussians' is {self.gaussians}, expected 1 to {_MOST_GAUSSIANS}"
            )
        corners = zip(self.low_m, self.high_m, strict=True)
        if not all(isfinite(h) and -_MOST_M <= low <= h <= _MOST_M for low, h in corners):
            raise PackageError(
                f"{where}.bounds': from {list(self.low_m)} to {list(self.high_m)} m, expected a "
                f"box within {_MOST_M:g} m"
            )
        self.consent.check(f"{where}.consent")
        if not self.synthetic_mark.strip():
            raise PackageError(f"{where}.synthetic_mark' is empty, expected what pictures say")
        for key, name, suffix in (
            ("splats", self.splats, ".glb"), ("network", self.network, ".onnx"),
        ):  # fmt: skip
            if not name.endswith(suffix):
                raise PackageError(f"{where}.files.{key}' is {name!r}, expected a {suffix} file")
            if files is not None and name not in files:
                raise PackageError(f"{where}.files.{key}' is {name!r}, which 'files' does not name")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; `avatars_from` reads it back."""
        return {
            "kind": self.kind,
            "files": {"splats": self.splats, "network": self.network},
            "channels": list(self.channels),
            "coefficients": list(self.coefficients),
            "gaussians": self.gaussians,
            "bounds": {"low_m": list(self.low_m), "high_m": list(self.high_m)},
            "colour_space": self.colour_space,
            "consent": asdict(self.consent),
            "synthetic_mark": self.synthetic_mark,
        }


def check_avatars(entries: Sequence[AvatarEntry], where: str, files: Sequence[str] | None) -> None:
    """Raises PackageError for a list of avatars that no reader could use."""
    if len(entries) > _MOST_AVATARS:
        raise PackageError(
            f"{where}: field 'avatars' has {len(entries)} entries, expected at most {_MOST_AVATARS}"
        )
    for index, entry in enumerate(entries):
        entry.check(f"{where}: field 'avatars[{index}]", files)


def avatars_from(items: Sequence[Fields], strict: bool) -> tuple[AvatarEntry, ...]:
    """The entries in a manifest's JSON; strict: other fields than these are refused; otherwise
    avatars of other kinds are left out, which a newer mien knows."""
    return tuple(_entry(item, strict) for item in items if strict or item.text("kind") in KINDS)


def _entry(fields: Fields, strict: bool) -> AvatarEntry:
    files, bounds, consent = (fields.object(key) for key in ("files", "bounds", "consent"))
    if strict:
        fields.only(
            "kind", "files", "channels", "coefficients", "gaussians", "bounds", "colour_space",
            "consent", "synthetic_mark",
        )  # fmt: skip
        files.only("splats", "network")
        bounds.only("low_m", "high_m")
        consent.only("kind", "statement")
    low, high = (bounds.numbers(key, 3) for key in ("low_m", "high_m"))
    return AvatarEntry(
        kind=fields.text("kind"),
        splats=files.text("splats"),
        network=files.text("network"),
        channels=fields.texts("channels"),
        coefficients=fields.texts("coefficients"),
        gaussians=fields.integer("gaussians", 1),
        low_m=(low[0], low[1], low[2]),
        high_m=(high[0], high[1], high[2]),
        consent=Consent(consent.text("kind"), consent.text("statement")),
        synthetic_mark=fields.text("synthetic_mark"),
        colour_space=fields.text("colour_space"),
    )
