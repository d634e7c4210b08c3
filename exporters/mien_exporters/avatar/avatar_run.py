"""The folder in which `mien train avatar` leaves an avatar of splats: what `mien export` reads.

avatar.npz    the arrays of AvatarRun
avatar.json   names, consent, figures, and the hash of the arrays; written last
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar import Anchors
from mien.avatar.playback.splat_model import CHANGES, PARAMETERS, SplatModel
from mien.consent import Consent
from mien.errors import InputError
from mien_exporters.avatar.run_parts import AGAIN, read_arrays, read_record, write_run

__all__ = [
    "ANCHOR_ARRAYS", "AVATAR_RECORD", "AvatarRun", "Layers", "eight_bit_maps", "merge_mean",
    "read_avatar_run", "with_eight_bit_maps", "write_avatar_run",
]  # fmt: skip

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]
Layers = tuple[tuple[Float32Array, Float32Array], ...]

AVATAR_RECORD = "avatar.json"
_ARRAYS = "avatar.npz"
_VIEW = 6
"""Inputs of the network after the channels: the first two columns of camera_from_rig's rotation,
row by row."""
_MOST_MAPS = 24
ANCHOR_ARRAYS = tuple(f.name for f in fields(Anchors) if f.name not in ("size", "vertex_count"))
_OWN_ARRAYS = ("anchor", "lift_m", "spacing_m", "static", "maps", "vertices", "bounds_m")


@dataclass(frozen=True, eq=False)
class AvatarRun:
    """What a finished avatar training hands over: G Gaussians on N anchors, D maps, K channels.

    Raises InputError, naming the field, for arrays that do not fit each other or are not finite.
    """

    name: str
    """The person's name."""
    anchors: Anchors
    """Of the RIG's V vertices (`Anchors.for_rig`), not of the template's."""
    anchor: Int32Array
    """(G,) which anchor each Gaussian hangs on; several may share one."""
    lift_m: Float32Array
    """(G,) off the surface, metres at rest; 0: on the skin."""
    spacing_m: Float32Array
    """(G,) metres from one anchor to the next there, at rest."""
    static: Float32Array
    """(G, 13) place, turn, log size, opacity, colour before activation, with the changes' mean in
    it (`merge_mean`)."""
    maps: Float32Array
    """(D, N, 16) what a coefficient of 1 changes at each anchor."""
    layers: Layers
    """Matrices (out, in) and offsets (out,) of the network, ReLU between them: the K channels and
    6 numbers of the view -> D coefficients."""
    channel_names: tuple[str, ...]
    """K names in the order of the network's inputs."""
    vertices: Float32Array
    """(V, 3) the rig's neutral, to tell whose avatar it is; metres."""
    bounds_m: Float32Array
    """(2, 3) corners of the box that holds all centres in every expression, rig space, metres."""
    bake_loss_db: float
    """What the linear maps lose against the trained network, dB of held-out PSNR."""
    consent: Consent | None
    """Why pictures of this person may be made; None: nobody said, and no export is possible."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON: what was measured on frames that nothing was learnt from."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON: seeds, configuration and versions of the training."""

    def __post_init__(self) -> None:
        where = f"avatar of {self.name!r}"
        try:
            _ = self.model
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        sizes = [(np.shape(m), np.shape(b)) for m, b in self.layers]
        linked = [a[0][0] == b[0][1] for a, b in itertools.pairwise(sizes)]
        if not (
            sizes and all(len(m) == 2 and b == m[:1] for m, b in sizes) and all(linked)
            and sizes[0][0][1] == len(self.channel_names) + _VIEW
            and sizes[-1][0][0] == len(self.maps)
        ):  # fmt: skip
            raise InputError(
                f"{where}: layers {sizes}, expected a chain from {len(self.channel_names)} "
                f"channels + {_VIEW} to {len(self.maps)} maps"
            )
        if not 1 <= len(self.maps) <= _MOST_MAPS:
            raise InputError(f"{where}: maps has {len(self.maps)}, expected 1 to {_MOST_MAPS}")
        if len(set(self.channel_names)) != len(self.channel_names):
            raise InputError(f"{where}: channel_names holds a name twice")
        if self.vertices.shape != (self.anchors.vertex_count, 3):
            raise InputError(
                f"{where}: vertices {self.vertices.shape}, expected "
                f"({self.anchors.vertex_count}, 3), those that the anchors hang on"
            )
        bounds = np.asarray(self.bounds_m)
        if bounds.shape != (2, 3) or not (bounds[0] <= bounds[1]).all():
            raise InputError(
                f"{where}: bounds_m {bounds.tolist()}, expected two corners, low first"
            )
        arrays = (self.vertices, bounds, *(a for pair in self.layers for a in pair))
        if not all(np.isfinite(a).all() for a in arrays) or not math.isfinite(self.bake_loss_db):
            raise InputError(f"{where}: vertices, bounds_m, layers and bake_loss_db must be finite")

    @property
    def model(self) -> SplatModel:
        """The Gaussians, as the runtime moves them."""
        return SplatModel(
            self.anchors, self.anchor, self.lift_m, self.spacing_m, self.static, self.maps
        )

    def coefficients(self, codes: Float32Array) -> Float32Array:
        """(B, D) by the network for (B, K + 6) channels and view."""
        x = np.asarray(codes, np.float32)
        for k, (matrix, offset) in enumerate(self.layers):
            x = x if k == 0 else np.maximum(x, 0)
            x = x @ matrix.T + offset
        return np.asarray(x, np.float32)


def merge_mean(
    static: Float32Array, mean: Float32Array, anchor: Int32Array, lift_m: Float32Array
) -> Float32Array:
    """(G, 13) static parameters with the mean changes (N, 16) of their anchors added: what lies on
    the skin (lift 0) takes the first 13, what is lifted the last 3, for its colour."""
    if (
        static.shape != (len(anchor), PARAMETERS)
        or mean.ndim != 2
        or mean.shape[1] != CHANGES
        or lift_m.shape != (len(anchor),)
    ):
        raise InputError(
            f"merge_mean: static {static.shape}, mean {mean.shape}, anchor {anchor.shape}, lift_m "
            f"{lift_m.shape}, expected (G, {PARAMETERS}), (N, {CHANGES}), (G,) and (G,)"
        )
    merged = np.array(static, np.float32)
    skin = lift_m == 0
    merged[skin] += mean[anchor[skin], :PARAMETERS]
    merged[~skin, 10:] += mean[anchor[~skin], PARAMETERS:]
    return merged


def write_avatar_run(folder: str | Path, run: AvatarRun) -> None:
    """Write both files; avatar.json last, so that a folder which has it is complete. Raises
    InputError for provenance and metrics that JSON cannot hold, before anything is written."""
    arrays = {name: getattr(run, name) for name in _OWN_ARRAYS}
    arrays |= {f"anchors_{name}": getattr(run.anchors, name) for name in ANCHOR_ARRAYS}
    for k, (matrix, offset) in enumerate(run.layers):
        arrays |= {f"layer_{k}": matrix, f"offset_{k}": offset}
    record = {
        "kind": "avatar",
        "method": "splats",
        "name": run.name,
        "channels": list(run.channel_names),
        "layers": len(run.layers),
        "atlas": run.anchors.size,
        "bake_loss_db": float(run.bake_loss_db),
        "metrics": dict(run.metrics),
        "provenance": dict(run.provenance),
    }
    write_run(Path(folder, AVATAR_RECORD), Path(folder, _ARRAYS), record, run.consent, arrays)


def read_avatar_run(folder: str | Path) -> AvatarRun:
    """Read a run's folder. Raises InputError, naming the file and the field, for one that is
    unfinished, damaged, or of another kind of training."""
    record, consent = read_record(Path(folder, AVATAR_RECORD), "splats")
    layers = record.integer("layers", 1, 16)
    arrays = read_arrays(Path(folder, _ARRAYS), record)
    try:
        anchors = Anchors(
            size=record.integer("atlas", 1, 4096),
            vertex_count=len(arrays["vertices"]),
            **{name: arrays[f"anchors_{name}"] for name in ANCHOR_ARRAYS},
        )
        pairs = tuple((arrays[f"layer_{k}"], arrays[f"offset_{k}"]) for k in range(layers))
        own = {name: arrays[name] for name in _OWN_ARRAYS}
    except KeyError as reason:
        raise InputError(f"{Path(folder, _ARRAYS)}: lacks {reason}; {AGAIN}") from None
    return AvatarRun(
        name=record.text("name"), anchors=anchors, layers=pairs,
        channel_names=record.texts("channels"), bake_loss_db=record.number("bake_loss_db"),
        consent=consent, metrics=dict(record.object("metrics").values),
        provenance=dict(record.object("provenance").values), **own,
    )  # fmt: skip


def eight_bit_maps(
    maps: Float32Array,
) -> tuple[NDArray[np.int8], Float32Array, Float32Array]:
    """(D, N, 16) codes, (D, 16) steps, and the maps that codes times steps make."""
    most = np.abs(maps).max(1)
    steps = (np.where(most > 0, most, 1) / 127).astype(np.float32)
    codes = np.rint(maps / steps[:, None]).clip(-127, 127).astype(np.int8)
    return codes, steps, codes.astype(np.float32) * steps[:, None]


def with_eight_bit_maps(run: AvatarRun) -> tuple[NDArray[np.int8], Float32Array, AvatarRun]:
    """(D, N, 16) codes, (D, 16) steps, and the run whose maps are codes times steps: what an
    export can say of it."""
    codes, steps, maps = eight_bit_maps(run.maps)
    return codes, steps, replace(run, maps=maps)
