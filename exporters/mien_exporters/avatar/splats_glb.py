"""Splats <-> GLB by glTF's KHR_gaussian_splatting.

A point for each Gaussian; viewers without the extension show the points. Colours are display codes
(`colorSpace` srgb_rec709_display), as everywhere in mien. COLOR_0 is what the points wear, in
linear light, as glTF has it. Further attributes, such as what anchors a Gaussian to a mesh, have
names with an underscore, as applications' own have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray

from mien.avatar.splats import Splats
from mien.errors import InputError
from mien.glb_document import GlbDocument
from mien_exporters.avatar.splat_units import colour_from_sh, sh_from_colour, unit_rotations
from mien_exporters.gltf_buffers import BufferBuilder, glb_bytes

__all__ = ["EXTENSION", "splats_from_glb", "splats_to_glb"]

EXTENSION = "KHR_gaussian_splatting"
_OWN_NAME = re.compile(r"_[A-Z][A-Z0-9_]{0,62}")
_FLOAT = (5126,)
_POINTS = 0
_WIDTHS = ((), (2,), (3,), (4,))


def splats_to_glb(
    splats: Splats,
    name: str = "splats",
    attributes: Mapping[str, NDArray[np.float32]] | None = None,
) -> bytes:
    """The bytes of a GLB with one mesh of N points. The same input gives the same bytes.

    `attributes`: further numbers for each Gaussian, (N,) or (N, 2..4) float32, by names such as
    _ANCHOR. Raises InputError for a cloud of none, and for other names, shapes and values.
    """
    if len(splats) == 0:
        raise InputError("splats_to_glb: no Gaussians, expected at least one")
    document = gltf.GLTF2(asset=gltf.Asset(generator="mien", version="2.0"))
    buffers = BufferBuilder(document)
    accessors = {
        "POSITION": buffers.vertices(splats.means, bounds=True),
        "COLOR_0": buffers.vertices(_point_colours(splats)),
        f"{EXTENSION}:ROTATION": buffers.vertices(unit_rotations(splats).astype(np.float32)),
        f"{EXTENSION}:SCALE": buffers.vertices(splats.scales),
        f"{EXTENSION}:OPACITY": buffers.vertices(splats.opacities),
        f"{EXTENSION}:SH_DEGREE_0_COEF_0": buffers.vertices(sh_from_colour(splats.colours)),
    }
    document.accessors[accessors["COLOR_0"]].normalized = True
    for key, values in sorted((attributes or {}).items()):
        accessors[key] = buffers.vertices(_own_attribute(key, values, len(splats)))
    binary = buffers.finish()
    # The document model knows no attributes with a colon: its JSON is completed by hand.
    plain = json.loads(document.to_json())
    plain["extensionsUsed"] = [EXTENSION]
    description = {
        "kernel": "ellipse",
        "colorSpace": "srgb_rec709_display",
        "projection": "perspective",
        "sortingMethod": "cameraDistance",
    }
    primitive = {
        "mode": _POINTS,
        "attributes": accessors,
        "extensions": {EXTENSION: description},
    }
    plain["meshes"] = [{"name": name, "primitives": [primitive]}]
    plain["nodes"] = [{"name": name, "mesh": 0}]
    plain["scenes"] = [{"name": name, "nodes": [0]}]
    plain["scene"] = 0
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return glb_bytes(text, binary)


def splats_from_glb(data: bytes, where: str = "GLB") -> tuple[Splats, dict[str, Any]]:
    """The splats, and the further attributes by name, of what `splats_to_glb` wrote.

    Any GLB whose one mesh has one such primitive with float32 attributes is read; coefficients of
    higher degrees are left out. `where` names the file in messages. Raises InputError for anything
    else.
    """
    document = GlbDocument(data, where)
    meshes = document.all("meshes")
    if len(meshes) != 1 or len(meshes[0].objects("primitives")) != 1:
        raise InputError(f"{where}: expected one mesh with one primitive")
    (primitive,) = meshes[0].objects("primitives")
    if "extensions" not in primitive or EXTENSION not in primitive.object("extensions"):
        raise InputError(f"{primitive.where}: expected the extension {EXTENSION}")
    found = primitive.object("extensions").object(EXTENSION)
    for field, expected in (("kernel", "ellipse"), ("colorSpace", "srgb_rec709_display")):
        if found.text(field) != expected:
            raise InputError(
                f"{found.where}: field {field!r} is {found.text(field)!r}, expected {expected!r}"
            )
    attributes = primitive.object("attributes")

    def read(key: str, type_: str) -> NDArray[Any]:
        return document.accessor(attributes, key, type_, _FLOAT)

    splats = Splats(
        means=read("POSITION", "VEC3"),
        rotations=read(f"{EXTENSION}:ROTATION", "VEC4"),
        scales=read(f"{EXTENSION}:SCALE", "VEC3"),
        opacities=read(f"{EXTENSION}:OPACITY", "SCALAR"),
        colours=colour_from_sh(read(f"{EXTENSION}:SH_DEGREE_0_COEF_0", "VEC3")),
    )
    own = {}
    for key in attributes.values:
        if key.startswith("_"):
            type_ = document.one("accessors", attributes, key).text("type")
            own[key] = _own_attribute(key, np.array(read(key, type_)), len(splats))
    return splats, own


def _point_colours(splats: Splats) -> NDArray[np.uint16]:
    """(N, 4) linear RGB and opacity, 65535 is 1."""
    codes = np.clip(splats.colours, 0, 1)
    linear = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    values = np.column_stack([linear, splats.opacities])
    return np.asarray(np.rint(values * 65535), "<u2")


def _own_attribute(name: str, values: NDArray[Any], count: int) -> NDArray[np.float32]:
    array = np.asarray(values)
    if not _OWN_NAME.fullmatch(name):
        raise InputError(f"attribute {name!r}: expected a name such as _ANCHOR_TRIANGLE")
    right = array.shape[:1] == (count,) and array.shape[1:] in _WIDTHS
    if array.dtype != np.float32 or not right or not np.isfinite(array).all():
        raise InputError(
            f"attribute {name!r}: {array.dtype} {array.shape}, expected finite float32 ({count},) "
            f"or ({count}, 2..4)"
        )
    return np.ascontiguousarray(array)
