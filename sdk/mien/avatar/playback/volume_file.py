"""avatar/volume.glb -> what a volume hangs on.

One primitive of points, the anchors of the head at rest, which any viewer shows; beside it tables,
accessors that the mesh's `extras.mienAvatar` names (docs/avatar-format.md).
"""

from __future__ import annotations

import numpy as np

from mien.avatar.playback.anchor_tables import EXTRAS, VERSION, damage_named, read_anchors
from mien.avatar.volume.volume_model import VolumeModel
from mien.avatar_kinds import VolumeEntry
from mien.budget import Budget, decoding_budget
from mien.errors import InputError
from mien.glb_document import GlbDocument

__all__ = ["read_volume_model"]

_UINT, _FLOAT = (5125,), (5126,)


def read_volume_model(
    data: bytes | memoryview, entry: VolumeEntry, where: str, budget: Budget | None = None
) -> VolumeModel:
    """The model in the bytes of `entry`'s file. Raises PackageError, naming `where` and the field,
    for anything else, and before memory is spent on what the file only claims."""
    with damage_named(where):
        budget = decoding_budget(len(data), where) if budget is None else budget
        return _read(GlbDocument(data, where, budget), entry, budget)


def _read(document: GlbDocument, entry: VolumeEntry, budget: Budget) -> VolumeModel:
    where = document.where
    meshes = document.all("meshes")
    if len(meshes) != 1:
        raise InputError(f"{where}: has {len(meshes)} meshes, expected one")
    told = meshes[0].object("extras").object(EXTRAS)
    if told.integer("version") != VERSION:
        raise InputError(
            f"{told.where}: field 'version' is {told.integer('version')}, expected {VERSION}"
        )
    if told.text("kind") != entry.kind:
        raise InputError(
            f"{told.where}: field 'kind' is {told.text('kind')!r}, expected {entry.kind!r}"
        )
    tables = told.object("tables")
    anchors = read_anchors(document, told, tables)
    if anchors.vertex_count != entry.vertices:
        raise InputError(
            f"{told.where}: field 'vertices' is {anchors.vertex_count}, the manifest says "
            f"{entry.vertices}"
        )
    chosen, offsets = np.empty(0, np.uint32), np.empty(0, np.float32)
    if "chosen" in tables:
        chosen = document.accessor(tables, "chosen", "SCALAR", _UINT)
        offsets = document.accessor(tables, "layerOffsets", "SCALAR", _FLOAT)
    count = len(anchors.texel) + len(chosen) * len(offsets)
    if count != entry.anchors:
        raise InputError(
            f"{tables.where}: hold {count} anchors on the skin and above it, the manifest says "
            f"{entry.anchors}"
        )
    triangles = document.accessor(tables, "shellTriangles", "SCALAR", _UINT)
    if len(triangles) % 3:
        raise InputError(
            f"{tables.where}: shellTriangles has {len(triangles)} elements, expected three a "
            "triangle"
        )
    # Normals take two numbers for every corner, in double precision.
    budget.spend(16 * len(triangles), f"{tables.where}: shellTriangles")
    return VolumeModel(
        anchors, chosen.astype(np.int64), np.array(offsets),
        triangles.reshape(-1, 3).astype(np.int64),
        np.array(document.accessor(tables, "thickness", "SCALAR", _FLOAT)),
        document.accessor(tables, "still", "SCALAR", _UINT).astype(np.int64),
        entry.reach_m, entry.fade_m, entry.skin_m, entry.below_m,
    )  # fmt: skip
