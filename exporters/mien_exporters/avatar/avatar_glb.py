"""An avatar of splats as one GLB: at rest for any viewer, with all that moves it for engines.

`splats_to_glb` writes the Gaussians at rest. Beside them stand what each has before activation, as
attributes with an underscore, and tables: accessors that `extras.mienAvatar.tables` of the mesh
names. A map's changes are signed bytes, times a step for each map and channel. `network` there is
splats.onnx once more, for hosts that would rather multiply three matrices than load a runtime.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar.playback.anchor_tables import EXTRAS, VERSION
from mien.avatar.playback.coefficient_model import STRAIGHT_BEFORE
from mien.avatar.playback.splat_file import GAUSSIAN_ATTRIBUTES
from mien.avatar.splats import Splats
from mien.rotation import matrix_from_quaternion
from mien_exporters.avatar.avatar_onnx import layers_for
from mien_exporters.avatar.avatar_run import AvatarRun
from mien_exporters.avatar.glb_tables import anchor_tables, append_table
from mien_exporters.avatar.splats_glb import splats_to_glb
from mien_exporters.gltf_buffers import glb_bytes, split_glb

__all__ = ["avatar_glb", "rest_splats"]


def rest_splats(run: AvatarRun) -> Splats:
    """The Gaussians on the neutral mesh, all channels 0, the head straight before the camera."""
    view = matrix_from_quaternion(STRAIGHT_BEFORE)[:, :2].reshape(1, 6)
    codes = np.concatenate([np.zeros((1, len(run.channel_names))), view], 1)
    return run.model.posed(run.vertices, run.coefficients(codes.astype(np.float32))[0])


def avatar_glb(
    run: AvatarRun,
    codes: NDArray[np.int8],
    steps: NDArray[np.float32],
    channels: Sequence[str],
    coefficients: Sequence[str],
) -> bytes:
    """The file's bytes; `run` has the maps that codes (D, N, 16) times steps (D, 16) make
    (`with_eight_bit_maps`). The same run gives the same bytes."""
    model = run.model
    parts = {
        "_ANCHOR": model.anchor.astype(np.float32), "_LIFT_M": model.lift_m,
        "_SPACING_M": model.spacing_m, "_PLACE": model.static[:, :3],
        "_TURN": model.static[:, 3:6], "_SIZE_LOG": model.static[:, 6:9],
        "_OPACITY_LOGIT": model.static[:, 9], "_COLOUR_LOGIT": model.static[:, 10:],
    }  # fmt: skip
    attributes = {name: np.ascontiguousarray(parts[name]) for name in GAUSSIAN_ATTRIBUTES}
    text, binary = split_glb(splats_to_glb(rest_splats(run), f"{run.name} avatar", attributes))
    document: dict[str, Any] = json.loads(text)
    blob = bytearray(binary)
    tables = {
        name: append_table(document, blob, array)
        for name, array in _tables(run, codes, steps).items()
    }
    network = [
        {
            "matrix": append_table(document, blob, matrix.astype(np.float32).reshape(-1)),
            "offset": append_table(document, blob, offset.astype(np.float32)),
            "inputs": matrix.shape[1],
            "outputs": matrix.shape[0],
        }
        for matrix, offset in layers_for(run, channels)
    ]
    (mesh,) = document["meshes"]
    mesh["extras"] = {
        EXTRAS: {
            "version": VERSION,
            "kind": "splats",
            "size": run.anchors.size,
            "vertices": run.anchors.vertex_count,
            "channels": list(channels),
            "coefficients": list(coefficients),
            "tables": tables,
            "network": network,
        }
    }
    document["buffers"] = [{"byteLength": len(blob)}]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return glb_bytes(text, bytes(blob))


def _tables(
    run: AvatarRun, codes: NDArray[np.int8], steps: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    own: dict[str, NDArray[Any]] = {
        "mapSteps": steps.reshape(-1, 4), "maps": codes.reshape(-1, 4)
    }  # fmt: skip
    return anchor_tables(run.anchors) | own
