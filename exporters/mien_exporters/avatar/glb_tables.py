"""Accessors of an avatar's GLB that no primitive has: tables, named in the mesh's extras."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar import Anchors

__all__ = ["anchor_tables", "append_table"]

_COMPONENTS = {"|i1": 5120, "<u4": 5125, "<f4": 5126}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


def anchor_tables(anchors: Anchors) -> dict[str, NDArray[Any]]:
    """Name -> array of what tells where anchors are (docs/avatar-format.md)."""
    tables: dict[str, NDArray[Any]] = {
        "texel": anchors.texel.astype("<u4"), "triangle": anchors.triangle.astype("<u4"),
        "bary": anchors.bary, "triangles": anchors.triangles.astype("<u4").reshape(-1),
        "uvs": anchors.uvs, "source": anchors.source.astype("<u4"),
        "restAreas": anchors.rest_areas,
    }  # fmt: skip
    if len(anchors.extra_corners):
        tables["extraCorners"] = anchors.extra_corners.astype("<u4").reshape(-1)
        tables["extraWeights"] = anchors.extra_weights.reshape(-1)
    return tables


def append_table(document: dict[str, Any], blob: bytearray, array: NDArray[Any]) -> int:
    """The index of a new accessor over the array (count,) or (count, width)."""
    array = np.ascontiguousarray(array, array.dtype if array.dtype.kind != "f" else "<f4")
    blob += bytes(-len(blob) % 4)
    document["bufferViews"].append(
        {"buffer": 0, "byteOffset": len(blob), "byteLength": array.nbytes}
    )
    blob += array.tobytes()
    blob += bytes(-len(blob) % 4)
    document["accessors"].append(
        {
            "bufferView": len(document["bufferViews"]) - 1,
            "componentType": _COMPONENTS[array.dtype.str],
            "count": len(array),
            "type": _TYPES[array.shape[1] if array.ndim == 2 else 1],
        }
    )
    return len(document["accessors"]) - 1
