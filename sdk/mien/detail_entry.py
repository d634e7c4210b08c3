"""What a manifest says of a character's skin detail: maps, wrinkle regions, how to blend them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from mien.errors import PackageError
from mien.strict_json import Fields

__all__ = ["KINDS", "PARTS", "DetailEntry", "DetailMap", "RegionMasks"]

PARTS = ("static", "compressed", "stretched")
"""At rest; what full compression adds; what full stretch adds."""
KINDS = ("displacement", "normal")
_MOST_REGIONS = 255
_LARGEST = 4096
_MOST_M = 0.05
"""Skin is not displaced by more."""


@dataclass(frozen=True)
class DetailMap:
    """One image in the package."""

    file: str
    part: str
    """One of PARTS."""
    kind: str
    """displacement: 16-bit grey, 0 to 65535 for `low_m` to `high_m`, outwards. normal: 8-bit RGB,
    tangent space of the texture coordinates, green up, as in glTF."""
    size: int
    """Side, texels."""
    low_m: float = 0.0
    """Of displacement: metres of the darkest grey."""
    high_m: float = 0.0
    """Of displacement: metres of the lightest grey."""


@dataclass(frozen=True)
class RegionMasks:
    """How strongly every texel belongs to each wrinkle region: one RGB image of tiles."""

    file: str
    columns: int
    """Tiles in a row."""
    rows: int
    size: int
    """Side of a tile, texels. Region r is colour r % 3 of tile r // 3, counted row by row."""


@dataclass(frozen=True)
class DetailEntry:
    """The manifest's field `detail`."""

    regions: tuple[str, ...]
    """R names, in the order of `Frame.detail`."""
    masks: RegionMasks
    maps: tuple[DetailMap, ...]
    """All parts and kinds, in one or more sizes."""
    intensity: float = 1.0
    """Factor of all detail that is meant to be shown, 0 to 2."""
    texcoord: int = 1
    """The set of texture coordinates in character.glb that the maps lie on."""

    def check(self, where: str, files: tuple[str, ...] | None = None) -> None:
        """Raises PackageError, naming the field, for what no reader could use; files: those of the
        package, where they are known."""
        twice = sorted(name for name, n in Counter(self.regions).items() if n > 1)
        if not 0 < len(self.regions) <= _MOST_REGIONS or twice:
            problem = f"holds {twice[0]!r} twice" if twice else f"has {len(self.regions)} names"
            raise PackageError(
                f"{where}: field 'detail.regions' {problem}, expected 1 to {_MOST_REGIONS}"
            )
        if not 0 <= self.intensity <= 2 or self.texcoord not in (0, 1):
            raise PackageError(
                f"{where}: field 'detail': intensity {self.intensity:g} and texcoord "
                f"{self.texcoord}, expected 0 to 2, and 0 or 1"
            )
        masks = self.masks
        if not (
            0 < masks.size <= _LARGEST and 0 < masks.columns <= 64 and 0 < masks.rows <= 64
            and 3 * masks.columns * masks.rows >= len(self.regions)
        ):  # fmt: skip
            raise PackageError(
                f"{where}: field 'detail.masks': {masks.columns} x {masks.rows} tiles of "
                f"{masks.size}, expected room for {len(self.regions)} regions, 3 a tile"
            )
        for one in self.maps:
            at = f"{where}: field 'detail.maps': {one.file}"
            if one.part not in PARTS or one.kind not in KINDS or not 0 < one.size <= _LARGEST:
                raise PackageError(
                    f"{at}: {one.kind!r} of {one.part!r}, {one.size} texels, expected one of "
                    f"{', '.join(KINDS)} of {', '.join(PARTS)}, 1 to {_LARGEST}"
                )
            if one.kind == "displacement" and not -_MOST_M <= one.low_m <= one.high_m <= _MOST_M:
                raise PackageError(
                    f"{at}: range {one.low_m:g} to {one.high_m:g} m, expected low_m <= high_m "
                    f"within {_MOST_M} m"
                )
        there = Counter((m.part, m.kind, m.size) for m in self.maps)
        lacking = [(p, k) for p in PARTS for k in KINDS if not any(t[:2] == (p, k) for t in there)]
        if lacking or max(there.values(), default=0) > 1:
            what = (
                f"no {lacking[0][1]} of {lacking[0][0]!r}"
                if lacking
                else "two maps of one part, kind and size"
            )
            raise PackageError(f"{where}: field 'detail.maps' has {what}")
        sizes = [{m.size for m in self.maps if m.part == p and m.kind == "displacement"}
                 for p in PARTS]  # fmt: skip
        if not sizes[0] == sizes[1] == sizes[2]:
            raise PackageError(
                f"{where}: field 'detail.maps': displacement in sizes {sorted(sizes[0])} of "
                f"{PARTS[0]}, {sorted(sizes[1])} of {PARTS[1]}, {sorted(sizes[2])} of {PARTS[2]}, "
                "expected the same sizes"
            )
        named = [masks.file, *(m.file for m in self.maps)]
        others = [name for name in named if not name.endswith(".png")]
        if others:
            raise PackageError(f"{where}: field 'detail': {others[0]!r}, expected a .png file")
        if files is not None:
            for name in named:
                if name not in files:
                    raise PackageError(
                        f"{where}: field 'detail' names {name!r}, which 'files' does not"
                    )

    def find(self, part: str, kind: str, size: int | None = None) -> DetailMap:
        """The map of a part, the largest that is no larger than `size` (or the smallest)."""
        fitting = sorted(
            (m for m in self.maps if (m.part, m.kind) == (part, kind)), key=lambda m: m.size
        )
        small = [m for m in fitting if size is None or m.size <= size]
        return (small or fitting[:1])[-1]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; `entry_from` reads it back."""
        plain = asdict(self)
        return {**plain, "regions": list(self.regions), "maps": list(plain["maps"])}


def entry_from(fields: Fields, strict: bool) -> DetailEntry:
    """The entry in a manifest's JSON; strict: other fields than these are refused."""
    masks, maps = fields.object("masks"), fields.objects("maps")
    if strict:
        fields.only("regions", "masks", "maps", "intensity", "texcoord")
        masks.only("file", "columns", "rows", "size")
        for one in maps:
            one.only("file", "part", "kind", "size", "low_m", "high_m")
    return DetailEntry(
        regions=fields.texts("regions"),
        masks=RegionMasks(
            masks.text("file"), masks.integer("columns", 1), masks.integer("rows", 1),
            masks.integer("size", 1),
        ),
        maps=tuple(
            DetailMap(
                one.text("file"), one.text("part"), one.text("kind"), one.integer("size", 1),
                one.number("low_m", -_MOST_M, _MOST_M), one.number("high_m", -_MOST_M, _MOST_M),
            )
            for one in maps
        ),
        intensity=fields.number("intensity", 0, 2),
        texcoord=fields.integer("texcoord", 0),
    )  # fmt: skip
