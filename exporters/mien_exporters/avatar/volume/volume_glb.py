"""What a volume hangs on as one GLB: the anchors at rest as points, for any viewer, and tables.

Everything is an accessor that `extras.mienAvatar.tables` of the mesh names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar.playback.anchor_tables import EXTRAS, VERSION
from mien_exporters.avatar.glb_tables import anchor_tables, append_table
from mien_exporters.avatar.volume.volume_run import VolumeRun
from mien_exporters.gltf_buffers import glb_bytes

__all__ = ["volume_glb"]

_POINTS = 0


def volume_glb(run: VolumeRun, channels: Sequence[str]) -> bytes:
    """The file's bytes. The same run gives the same bytes."""
    model = run.model
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "mien"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": f"{run.name} volume", "mesh": 0}],
        "bufferViews": [],
        "accessors": [],
    }
    blob = bytearray()
    places = model.pose(run.vertices).positions.astype(np.float32)
    position = append_table(document, blob, places)
    document["accessors"][position] |= {
        "min": places.min(0).tolist(), "max": places.max(0).tolist()
    }  # fmt: skip
    tables: dict[str, NDArray[Any]] = anchor_tables(run.anchors) | {
        "shellTriangles": model.triangles.astype("<u4").reshape(-1),
        "thickness": model.thickness_m,
        "still": model.still.astype("<u4"),
    }
    if len(model.chosen):
        tables |= {"chosen": model.chosen.astype("<u4"), "layerOffsets": model.offsets_m}
    extras = {
        "version": VERSION,
        "kind": "volume",
        "size": run.anchors.size,
        "vertices": run.anchors.vertex_count,
        "channels": list(channels),
        "tables": {name: append_table(document, blob, array) for name, array in tables.items()},
    }
    document["meshes"] = [
        {
            "primitives": [{"attributes": {"POSITION": position}, "mode": _POINTS}],
            "extras": {EXTRAS: extras},
        }
    ]
    document["buffers"] = [{"byteLength": len(blob)}]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return glb_bytes(text, bytes(blob))
