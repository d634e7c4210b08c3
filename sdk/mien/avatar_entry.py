"""What a manifest says of any photoreal avatar: channels, bounds, who is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, ClassVar

from mien.consent import Consent
from mien.errors import PackageError
from mien.strict_json import Fields

__all__ = ["COLOUR_SPACE", "AvatarEntry", "Vector", "check_names", "common_from"]

COLOUR_SPACE = "srgb_rec709_display"
"""Colours are display codes, and are blended as such."""
_MOST_CHANNELS = 1 << 12
_MOST_M = 10.0
"""Nothing of a head lies further from its neck."""
Vector = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class AvatarEntry(ABC):
    """One of the manifest's list `avatars`; what every kind has."""

    KIND: ClassVar[str] = ""
    COMMON: ClassVar[tuple[str, ...]] = (
        "kind", "files", "channels", "bounds", "colour_space", "consent", "synthetic_mark",
    )  # fmt: skip
    """Fields of every kind."""

    channels: tuple[str, ...]
    """K channels of the character that the network takes, in order."""
    low_m: Vector
    """Lower corner of the box that holds what is drawn (of Gaussians: their centres) in every
    expression, rig space."""
    high_m: Vector
    """Upper corner of it."""
    consent: Consent
    """Why pictures of this person may be made."""
    synthetic_mark: str
    """What every picture of this avatar must say of itself: that it is no photograph."""
    colour_space: str = COLOUR_SPACE

    @property
    def kind(self) -> str:
        """Which way of drawing it is."""
        return self.KIND

    @property
    @abstractmethod
    def files(self) -> Mapping[str, str]:
        """What each file is -> its name in the package."""

    @abstractmethod
    def own_dict(self) -> dict[str, Any]:
        """The fields that this kind alone has, as plain JSON values."""

    def check(self, where: str, files: Sequence[str] | None = None) -> None:
        """Raises PackageError, naming the field, for what no reader could use; `where` ends in the
        entry's place in the list; files: those of the package, where they are known."""
        if self.colour_space != COLOUR_SPACE:
            raise PackageError(
                f"{where}.colour_space' is {self.colour_space!r}, expected {COLOUR_SPACE!r}"
            )
        check_names(f"{where}.channels'", self.channels, _MOST_CHANNELS)
        corners = zip(self.low_m, self.high_m, strict=True)
        if not all(isfinite(h) and -_MOST_M <= low <= h <= _MOST_M for low, h in corners):
            raise PackageError(
                f"{where}.bounds': from {list(self.low_m)} to {list(self.high_m)} m, expected a "
                f"box within {_MOST_M:g} m"
            )
        self.consent.check(f"{where}.consent")
        if not self.synthetic_mark.strip():
            raise PackageError(f"{where}.synthetic_mark' is empty, expected what pictures say")
        for key, name in self.files.items():
            suffix = ".glb" if key == self.kind else ".onnx"
            if not name.endswith(suffix):
                raise PackageError(f"{where}.files.{key}' is {name!r}, expected a {suffix} file")
            if files is not None and name not in files:
                raise PackageError(f"{where}.files.{key}' is {name!r}, which 'files' does not name")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; `mien.avatar_kinds.avatars_from` reads it back."""
        return {
            "kind": self.kind,
            "files": dict(self.files),
            "channels": list(self.channels),
            **self.own_dict(),
            "bounds": {"low_m": list(self.low_m), "high_m": list(self.high_m)},
            "colour_space": self.colour_space,
            "consent": asdict(self.consent),
            "synthetic_mark": self.synthetic_mark,
        }


def check_names(where: str, names: Sequence[str], most: int) -> None:
    """Raises PackageError for a name that is there twice, and for none or more than `most`."""
    twice = sorted(name for name, n in Counter(names).items() if n > 1)
    if twice or not 0 < len(names) <= most:
        problem = f"holds {twice[0]!r} twice" if twice else f"has {len(names)} names"
        raise PackageError(f"{where} {problem}, expected 1 to {most} of them")


def common_from(fields: Fields, strict: bool) -> dict[str, Any]:
    """The arguments of every kind's entry, from its JSON; strict: bounds and consent with other
    fields are refused."""
    bounds, consent = fields.object("bounds"), fields.object("consent")
    if strict:
        bounds.only("low_m", "high_m")
        consent.only("kind", "statement")
    low, high = (bounds.numbers(key, 3) for key in ("low_m", "high_m"))
    return {
        "channels": fields.texts("channels"),
        "low_m": (low[0], low[1], low[2]),
        "high_m": (high[0], high[1], high[2]),
        "consent": Consent(consent.text("kind"), consent.text("statement")),
        "synthetic_mark": fields.text("synthetic_mark"),
        "colour_space": fields.text("colour_space"),
    }
