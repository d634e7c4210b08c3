"""A user's head with what its file does not tell: which part is what, where the face is.

`--template HEAD.json` takes the place of the glTF file:

    {"head": "head.glb",
     "materials": {"eye": ["Ball_L", "Ball_R"], "teeth": ["Denture"]},
     "landmarks": {"noseTip": [0.0, 1.62, 0.11], "chin": 4711}}

All but `head` may be left out; paths are relative to the description.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mien.errors import InputError
from mien.strict_json import Fields, parse_strict

__all__ = ["HeadDescription", "read_description"]


@dataclass(frozen=True)
class HeadDescription:
    """What a description file says."""

    head: Path
    """The .glb or .gltf file."""
    materials: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Entry of MATERIALS -> names of materials, nodes or meshes of the file."""
    landmarks: dict[str, int | tuple[float, float, float]] | None = None
    """Name from LANDMARK_POINTS -> a vertex of the largest skin primitive, as it is numbered in
    the file, or a place in the file's world space, metres; None: the tracker finds them."""


def read_description(path: Path) -> HeadDescription:
    """Raises InputError, naming file and field, for anything else than a description."""
    try:
        data = path.read_bytes()
    except OSError as reason:
        raise InputError(f"{path}: not a readable description of a head ({reason})") from None
    fields = Fields(parse_strict(data, str(path), InputError), str(path), InputError)
    fields.only("head", "materials", "landmarks")
    head = path.parent / fields.text("head")
    if head.suffix.lower() not in (".glb", ".gltf") or not head.is_file():
        raise InputError(f"{path}: field 'head' is {str(head)!r}, expected a .glb or .gltf file")
    materials = {}
    if "materials" in fields:
        chosen = fields.object("materials")
        materials = {name: chosen.texts(name) for name in chosen.values}
    landmarks: dict[str, int | tuple[float, float, float]] | None = None
    if "landmarks" in fields:
        landmarks, placed = {}, fields.object("landmarks")
        for name, value in placed.values.items():
            if type(value) is int:
                landmarks[name] = placed.integer(name)
            else:
                x, y, z = placed.numbers(name, 3)
                landmarks[name] = (x, y, z)
    return HeadDescription(head, materials, landmarks)
