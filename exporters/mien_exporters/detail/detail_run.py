"""The folder in which `mien train detail` leaves a person's skin detail: what `mien export` reads.

detail.npz    the arrays of DetailRun
detail.json   names, licence, figures; written last
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.detail_entry import PARTS
from mien.errors import InputError
from mien.strict_json import Fields, parse_strict

__all__ = ["DETAIL_RECORD", "DetailRun", "read_detail_run", "write_detail_run"]

Float32Array = NDArray[np.float32]
DETAIL_RECORD = "detail.json"
_ARRAYS = "detail.npz"


@dataclass(frozen=True, eq=False)
class DetailRun:
    """What a finished detail training hands over."""

    name: str
    """The person's name."""
    maps: Float32Array
    """(3, S, S) heights on the face atlas in the order of `mien.detail_entry.PARTS`, metres."""
    tangent_from_atlas: Float32Array
    """(2, 2, S, S) slopes along tangent and bitangent (up) of slopes along u and v: per metre."""
    masks: Float32Array
    """(R, M, M) share of each wrinkle region, 0..1."""
    region_names: tuple[str, ...]
    places: Float32Array
    """(V, 2) of the rig's vertices on the atlas, (0, 0) the upper left."""
    vertices: Float32Array
    """(V, 3) the rig's neutral, to tell whose detail it is; metres."""
    channel_names: tuple[str, ...]
    """C inputs of the wrinkle network."""
    layers: tuple[Float32Array, ...]
    """Matrices (out, in) of the wrinkle network, ReLU between them, no biases: 0 gives 0."""
    skin: NDArray[np.uint8] | None = None
    """(H, W, 3) sRGB colour of the skin without light and wrinkles, in place of the rig's."""
    intensity: float = 1.0
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON: seeds, configuration, metrics and versions of the training."""

    def __post_init__(self) -> None:
        """Raises InputError for arrays that do not fit each other."""
        side = self.maps.shape[-1]
        sizes = [layer.shape for layer in self.layers]
        chained = [a[0] == b[1] for a, b in itertools.pairwise(sizes)]
        fits = (
            self.maps.shape == (len(PARTS), side, side)
            and self.tangent_from_atlas.shape == (2, 2, side, side)
            and self.masks.shape[0] == len(self.region_names)
            and self.masks.shape[1:] == (self.masks.shape[-1],) * 2
            and self.places.shape == (len(self.vertices), 2)
            and sizes and all(chained) and sizes[0][1] == len(self.channel_names)
            and sizes[-1][0] == len(self.region_names)
        )  # fmt: skip
        if not fits:
            raise InputError(
                f"detail of {self.name!r}: arrays do not fit each other: maps {self.maps.shape}, "
                f"tangents {self.tangent_from_atlas.shape}, masks {self.masks.shape}, places "
                f"{self.places.shape}, vertices {self.vertices.shape}, layers {sizes}"
            )
        arrays = (self.maps, self.tangent_from_atlas, self.masks, self.places, *self.layers)
        if not all(np.isfinite(a).all() for a in arrays):
            raise InputError(f"detail of {self.name!r}: arrays hold NaN or infinity")


def write_detail_run(folder: str | Path, run: DetailRun) -> None:
    """Write both files; detail.json last, so that a folder which has it is complete."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "maps": run.maps, "tangent_from_atlas": run.tangent_from_atlas.astype(np.float16),
        "masks": run.masks.astype(np.float16), "places": run.places, "vertices": run.vertices,
        **{f"layer_{k}": layer for k, layer in enumerate(run.layers)},
        **({} if run.skin is None else {"skin": run.skin}),
    }  # fmt: skip
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    record = {
        "kind": "detail",
        "name": run.name,
        "regions": list(run.region_names),
        "channels": list(run.channel_names),
        "layers": len(run.layers),
        "intensity": run.intensity,
        "provenance": dict(run.provenance),
    }
    try:
        text = json.dumps(record, indent=1, allow_nan=False)
    except (TypeError, ValueError) as reason:
        raise InputError(f"{folder / DETAIL_RECORD}: provenance: {reason}") from None
    write_atomically(folder / _ARRAYS, buffer.getvalue())
    write_atomically(folder / DETAIL_RECORD, text.encode() + b"\n")


def read_detail_run(folder: str | Path) -> DetailRun:
    """Read a run's folder. Raises InputError, naming the file, for one that is unfinished or
    damaged."""
    folder = Path(folder)
    path = folder / DETAIL_RECORD
    if not path.is_file():
        raise InputError(
            f"{path}: not there; expected the folder of a finished `mien train detail`"
        )
    fields = Fields(parse_strict(path.read_bytes(), str(path), InputError), str(path), InputError)
    if fields.text("kind") != "detail":
        raise InputError(f"{path}: field 'kind' is {fields.text('kind')!r}, expected 'detail'")
    layers = fields.integer("layers", 1, 16)
    try:
        with np.load(folder / _ARRAYS, allow_pickle=False) as file:
            skin = file["skin"] if "skin" in file.files else None
            arrays = {name: file[name].astype(np.float32) for name in file.files if name != "skin"}
        return DetailRun(
            name=fields.text("name"),
            maps=arrays["maps"],
            tangent_from_atlas=arrays["tangent_from_atlas"],
            masks=arrays["masks"],
            region_names=fields.texts("regions"),
            places=arrays["places"],
            vertices=arrays["vertices"],
            channel_names=fields.texts("channels"),
            layers=tuple(arrays[f"layer_{k}"] for k in range(layers)),
            skin=skin,
            intensity=fields.number("intensity", 0, 2),
            provenance=dict(fields.object("provenance").values),
        )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as reason:
        raise InputError(
            f"{folder / _ARRAYS}: missing or damaged ({reason}); run `mien train detail` again"
        ) from None
