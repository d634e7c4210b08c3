"""Anchors out of the tables of an avatar's GLB: accessors that `extras.mienAvatar` names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar.anchors import Anchors
from mien.errors import InputError, PackageError
from mien.glb_document import GlbDocument
from mien.strict_json import Fields

__all__ = ["EXTRAS", "VERSION", "damage_named", "read_anchors"]

EXTRAS, VERSION = "mienAvatar", 1
_UINT, _FLOAT = (5125,), (5126,)
_SIDES = (1, 4096)
_MOST_VERTICES = 1 << 20
_MOST_FOLLOWED = 64


@contextmanager
def damage_named(where: str) -> Iterator[None]:
    """What is found wrong inside becomes a PackageError that begins with `where`."""
    try:
        yield
    except PackageError:
        raise
    except InputError as error:
        message = str(error)
        raise PackageError(
            message if message.startswith(where) else f"{where}: {message}"
        ) from None


def read_anchors(document: GlbDocument, told: Fields, tables: Fields) -> Anchors:
    """The anchors of `told`, the mesh's extras, with its `tables` (docs/avatar-format.md). Raises
    InputError, naming the table, for arrays that do not fit each other."""

    def read(name: str, type_: str, components: tuple[int, ...]) -> NDArray[Any]:
        return document.accessor(tables, name, type_, components)

    size = told.integer("size", *_SIDES)
    count = told.integer("vertices", 1, _MOST_VERTICES)
    source, areas = read("source", "SCALAR", _UINT), read("restAreas", "SCALAR", _FLOAT)
    triangles = read("triangles", "SCALAR", _UINT)
    extra = len(areas) - count
    if extra < 0 or len(triangles) % 3:
        raise InputError(
            f"{tables.where}: restAreas has {len(areas)} elements and triangles {len(triangles)}, "
            f"expected at least {count}, and three a triangle"
        )
    corners, weights = np.empty((0, 1), np.uint32), np.empty((0, 1), np.float32)
    if extra:
        corners = read("extraCorners", "SCALAR", _UINT)
        weights = read("extraWeights", "SCALAR", _FLOAT)
        if len(corners) % extra or len(corners) // extra > _MOST_FOLLOWED:
            raise InputError(f"{tables.where}: extraCorners does not fit {extra} extra vertices")
        corners = corners.reshape(extra, -1)
        if weights.size != corners.size:
            raise InputError(f"{tables.where}: extraWeights does not fit extraCorners")
        weights = weights.reshape(corners.shape)
    triangles = triangles.reshape(-1, 3)
    uvs, bary = read("uvs", "VEC2", _FLOAT), read("bary", "VEC3", _FLOAT)
    texel, triangle = read("texel", "SCALAR", _UINT), read("triangle", "SCALAR", _UINT)
    for name, values, below in (
        ("source", source, count + extra), ("triangles", triangles, len(source)),
        ("texel", texel, size * size), ("triangle", triangle, len(triangles)),
        ("extraCorners", corners, count),
    ):  # fmt: skip
        if values.size and int(values.max()) >= below:
            raise InputError(f"{tables.where}: {name} holds {values.max()}, expected below {below}")
    if not len(uvs) == len(source) or not len(texel) == len(triangle) == len(bary):
        raise InputError(
            f"{tables.where}: {len(uvs)} uvs of {len(source)} atlas vertices; {len(texel)} texels, "
            f"{len(triangle)} triangles and {len(bary)} bary of anchors"
        )
    sums = bary.sum(1)
    if (texel[1:] <= texel[:-1]).any() or bary.min() < 0 or np.abs(sums - 1).max() > 1e-3:
        raise InputError(f"{tables.where}: texel must grow, bary be shares that sum to 1")
    if extra and np.abs(weights.sum(1) - 1).max() > 1e-3:
        raise InputError(f"{tables.where}: extraWeights must sum to 1")
    return Anchors(
        size=size, texel=texel.astype(np.int64), triangle=triangle.astype(np.int32),
        bary=np.array(bary), triangles=triangles.astype(np.int32), uvs=np.array(uvs),
        source=source.astype(np.int32), vertex_count=count, rest_areas=np.array(areas),
        extra_corners=corners.astype(np.int32), extra_weights=np.array(weights),
    )  # fmt: skip
