"""avatar/splats.glb -> the Gaussians, what anchors them and their maps.

One primitive of points by KHR_gaussian_splatting, the head at rest, which any viewer shows. What
moves them is beside it: attributes with an underscore for each Gaussian, and tables, accessors that
the mesh's `extras.mienAvatar` names, for the anchors and the maps (docs/avatar-format.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar.anchors import Anchors
from mien.avatar.playback.splat_model import CHANGES, SplatModel
from mien.avatar_entry import AvatarEntry
from mien.budget import Budget, decoding_budget
from mien.errors import InputError, PackageError
from mien.glb_document import GlbDocument
from mien.strict_json import Fields

__all__ = ["EXTRAS", "GAUSSIAN_ATTRIBUTES", "VERSION", "read_splat_model"]

EXTRAS, VERSION = "mienAvatar", 1
GAUSSIAN_ATTRIBUTES = {
    "_ANCHOR": "SCALAR", "_LIFT_M": "SCALAR", "_SPACING_M": "SCALAR", "_PLACE": "VEC3",
    "_TURN": "VEC3", "_SIZE_LOG": "VEC3", "_OPACITY_LOGIT": "SCALAR", "_COLOUR_LOGIT": "VEC3",
}  # fmt: skip
"""Name -> type of what each Gaussian has, float32, as `SplatModel` names it."""
_BYTE, _UINT, _FLOAT = (5120,), (5125,), (5126,)
_SIDES = (1, 4096)
_MOST_VERTICES = 1 << 20
_MOST_FOLLOWED = 64


def read_splat_model(
    data: bytes | memoryview, entry: AvatarEntry, where: str, budget: Budget | None = None
) -> SplatModel:
    """The model in the bytes of `entry`'s file. Raises PackageError, naming `where` and the field,
    for anything else, and before memory is spent on what the file only claims."""
    try:
        budget = decoding_budget(len(data), where) if budget is None else budget
        return _read(GlbDocument(data, where, budget), entry, budget)
    except PackageError:
        raise
    except InputError as error:
        message = str(error)
        raise PackageError(
            message if message.startswith(where) else f"{where}: {message}"
        ) from None


def _read(document: GlbDocument, entry: AvatarEntry, budget: Budget) -> SplatModel:
    where = document.where
    meshes = document.all("meshes")
    if len(meshes) != 1 or len(meshes[0].objects("primitives")) != 1:
        raise InputError(f"{where}: expected one mesh with one primitive")
    (primitive,) = meshes[0].objects("primitives")
    attributes = primitive.object("attributes")
    told = meshes[0].object("extras").object(EXTRAS)
    if told.integer("version") != VERSION:
        raise InputError(
            f"{told.where}: field 'version' is {told.integer('version')}, expected {VERSION}"
        )
    if told.texts("coefficients") != entry.coefficients:
        raise InputError(
            f"{told.where}: field 'coefficients' has {len(told.texts('coefficients'))} names, "
            f"expected the {len(entry.coefficients)} of the manifest"
        )
    tables = told.object("tables")
    anchors = _anchors(document, told, tables)
    own = {
        name: np.array(document.accessor(attributes, name, type_, _FLOAT))
        for name, type_ in GAUSSIAN_ATTRIBUTES.items()
    }
    budget.spend(sum(a.nbytes for a in own.values()), f"{where}: Gaussians")
    for name, values in own.items():
        if len(values) != entry.gaussians:
            raise InputError(
                f"{attributes.where}: {name} has {len(values)} elements, the manifest says "
                f"{entry.gaussians} Gaussians"
            )
    anchor = own["_ANCHOR"]
    if anchor.min() < 0 or (anchor != np.rint(anchor)).any() or anchor.max() >= 1 << 24:
        raise InputError(f"{attributes.where}: _ANCHOR holds what is no index of an anchor")
    static = np.column_stack(
        [own[n] for n in ("_PLACE", "_TURN", "_SIZE_LOG", "_OPACITY_LOGIT", "_COLOUR_LOGIT")]
    )
    return SplatModel(
        anchors, anchor.astype(np.int32), own["_LIFT_M"], own["_SPACING_M"], static,
        _maps(document, tables, len(entry.coefficients), len(anchors.texel), budget),
    )  # fmt: skip


def _anchors(document: GlbDocument, told: Fields, tables: Fields) -> Anchors:
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


def _maps(
    document: GlbDocument, tables: Fields, count: int, anchors: int, budget: Budget
) -> NDArray[np.float32]:
    """(count, anchors, CHANGES): codes of 8 bits, times a step for each map and channel."""
    steps = document.accessor(tables, "mapSteps", "VEC4", _FLOAT)
    codes = document.accessor(tables, "maps", "VEC4", _BYTE)
    if steps.size != count * CHANGES or codes.size != count * anchors * CHANGES:
        raise InputError(
            f"{tables.where}: maps of {codes.size} codes and mapSteps of {steps.size} numbers, "
            f"expected {count * anchors * CHANGES} and {count * CHANGES}: {count} coefficients, "
            f"{anchors} anchors"
        )
    budget.spend(4 * codes.size, f"{tables.where}: maps")
    maps = codes.reshape(count, anchors, CHANGES).astype(np.float32)
    maps *= steps.reshape(count, 1, CHANGES)
    return maps
