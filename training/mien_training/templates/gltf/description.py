"""A user's head with what its file does not tell: which part is what, where the face is.

`--template HEAD.json` takes the place of the glTF file:

    {"head": "head.glb",
     "materials": {"eye": ["Ball_L", "Ball_R"], "teeth": ["Denture"]},
     "shapes": {"jawOpen": ["Mouth_A"], "browInnerUp": ["Brow_In_1", "Brow_In_2"]},
     "landmarks": {"noseTip": [0.0, 1.62, 0.11], "chin": 4711}}

All but `head` may be left out; paths are relative to the description.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien.strict_json import Fields, parse_strict
from mien_training.templates.gltf.reading.gltf_file import GLTF_SUFFIXES

__all__ = ["HeadDescription", "read_description"]


@dataclass(frozen=True)
class HeadDescription:
    """What a description file says."""

    head: Path
    """The .glb, .vrm or .gltf file."""
    materials: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Entry of MATERIALS -> names of materials, nodes or meshes of the file."""
    shapes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Channel of ARKIT_CHANNELS -> the morph targets of the file whose sum it is."""
    landmarks: dict[str, int | tuple[float, float, float]] | None = None
    """Name from LANDMARK_POINTS -> a vertex of the largest skin primitive, as it is numbered in
    the file, or a place in the file's world space and units; None: the tracker finds them."""


def read_description(path: Path) -> HeadDescription:
    """Raises InputError, naming file and field, for anything else than a description."""
    try:
        data = path.read_bytes()
    except OSError as reason:
        raise InputError(f"{path}: not a readable description of a head ({reason})") from None
    fields = Fields(parse_strict(data, str(path), InputError), str(path), InputError)
    fields.only("head", "materials", "shapes", "landmarks")
    head = path.parent / fields.text("head")
    if head.suffix.lower() not in GLTF_SUFFIXES or not head.is_file():
        raise InputError(
            f"{path}: field 'head' is {str(head)!r}, expected a {' or '.join(GLTF_SUFFIXES)} file"
        )
    materials = {}
    if "materials" in fields:
        chosen = fields.object("materials")
        materials = {name: chosen.texts(name) for name in chosen.values}
    shapes = {}
    if "shapes" in fields:
        spelt = fields.object("shapes")
        spelt.only(*ARKIT_CHANNELS)
        shapes = {name: spelt.texts(name) for name in spelt.values}
    landmarks: dict[str, int | tuple[float, float, float]] | None = None
    if "landmarks" in fields:
        landmarks, placed = {}, fields.object("landmarks")
        for name, value in placed.values.items():
            if type(value) is int:
                landmarks[name] = placed.integer(name)
            else:
                x, y, z = placed.numbers(name, 3)
                landmarks[name] = (x, y, z)
    return HeadDescription(head, materials, shapes, landmarks)
