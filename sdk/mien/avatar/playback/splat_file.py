"""avatar/splats.glb -> the Gaussians, what anchors them and their maps.

One primitive of points by KHR_gaussian_splatting, the head at rest, which any viewer shows. What
moves them is beside it: attributes with an underscore for each Gaussian, and tables, accessors that
the mesh's `extras.mienAvatar` names, for the anchors and the maps (docs/avatar-format.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.avatar.playback.anchor_tables import EXTRAS, VERSION, damage_named, read_anchors
from mien.avatar.playback.splat_model import CHANGES, SplatModel
from mien.avatar_kinds import SplatsEntry
from mien.budget import Budget, decoding_budget
from mien.errors import InputError
from mien.glb_document import GlbDocument
from mien.strict_json import Fields

__all__ = ["GAUSSIAN_ATTRIBUTES", "read_splat_model"]

GAUSSIAN_ATTRIBUTES = {
    "_ANCHOR": "SCALAR", "_LIFT_M": "SCALAR", "_SPACING_M": "SCALAR", "_PLACE": "VEC3",
    "_TURN": "VEC3", "_SIZE_LOG": "VEC3", "_OPACITY_LOGIT": "SCALAR", "_COLOUR_LOGIT": "VEC3",
}  # fmt: skip
"""Name -> type of what each Gaussian has, float32, as `SplatModel` names it."""
_BYTE, _FLOAT = (5120,), (5126,)


def read_splat_model(
    data: bytes | memoryview, entry: SplatsEntry, where: str, budget: Budget | None = None
) -> SplatModel:
    """The model in the bytes of `entry`'s file. Raises PackageError, naming `where` and the field,
    for anything else, and before memory is spent on what the file only claims."""
    with damage_named(where):
        budget = decoding_budget(len(data), where) if budget is None else budget
        return _read(GlbDocument(data, where, budget), entry, budget)


def _read(document: GlbDocument, entry: SplatsEntry, budget: Budget) -> SplatModel:
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
    anchors = read_anchors(document, told, tables)
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
