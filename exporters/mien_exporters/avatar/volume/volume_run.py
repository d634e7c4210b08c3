"""The files in which `mien train avatar` leaves a volume: what `mien export` reads.

volume.npz    the arrays of VolumeRun
volume.json   names, consent, figures, and the hash of the arrays; written last
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar import Anchors
from mien.avatar.volume.volume_model import VolumeModel
from mien.consent import Consent
from mien.errors import InputError
from mien_exporters.avatar.avatar_run import ANCHOR_ARRAYS
from mien_exporters.avatar.run_parts import AGAIN, read_arrays, read_record, write_run

__all__ = ["NETWORKS", "VOLUME_RECORD", "FieldShape", "VolumeRun", "read_volume_run",
           "write_volume_run"]  # fmt: skip

Float32Array = NDArray[np.float32]
VOLUME_RECORD = "volume.json"
_ARRAYS = "volume.npz"
NETWORKS = ("displacements", "codes", "appended", "global", "static")
"""What tells how an expression changes the features."""
_OWN_ARRAYS = ("chosen", "offsets_m", "triangles", "thickness_m", "still", "vertices", "bounds_m")
_SIDES = (1, 1024)


@dataclass(frozen=True)
class FieldShape:
    """Numbers of the two fields that no array tells."""

    longest_m: float
    """Longest wave of an offset's encoding."""
    offset_bands: int
    """Of the encoding of an offset."""
    view_bands: int
    """Of the encoding of the view."""
    coarse_samples: int
    """Along a ray, of the coarse field."""
    fine_samples: int
    """Further ones, of the field that is shown."""
    density_per_m: float
    """Of one unit of what the network says."""
    solid: float
    """What the network's word is raised by inside, and lowered by outside."""
    solid_m: float
    """Over which distance."""
    reach_m: float
    """From an anchor there is nothing any more."""
    fade_m: float
    """Over the last of which density fades."""
    skin_m: float
    """How far before the skin a ray begins, at the latest."""
    below_m: float
    """How far behind it it ends."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not np.isfinite(value) or value < 0 or (value == 0 and not name.endswith("bands")):
                raise InputError(f"field shape: {name} is {value}, expected above 0")


@dataclass(frozen=True, eq=False)
class VolumeRun:
    """What a finished training of a volume hands over: N anchors, K channels, F features.

    Raises InputError, naming the field, for arrays that do not fit each other or are not finite.
    """

    name: str
    """The person's name."""
    anchors: Anchors
    """Of the RIG's V vertices (`Anchors.for_rig`), not of the template's: where features hang."""
    map_anchors: Anchors
    """Of the map that the expression network works on, likewise."""
    chosen: NDArray[np.int32]
    """(M,) anchors that have copies above them."""
    offsets_m: Float32Array
    """(L,) of the layers of copies, metres."""
    triangles: NDArray[np.int32]
    """(F, 3) of the mesh without seams."""
    thickness_m: Float32Array
    """(V,) of the shell."""
    still: NDArray[np.int32]
    """(Q,) vertices that tell where the head is."""
    network: str
    """One of NETWORKS."""
    weights: Mapping[str, Float32Array]
    """static (F, S, S), own (L M, F), network.*, coarse.* and fine.*: as training names them."""
    shape: FieldShape
    channel_names: tuple[str, ...]
    """K names in the order of the network's codes; six numbers of the view follow them."""
    vertices: Float32Array
    """(V, 3) the rig's neutral, to tell whose avatar it is; metres."""
    bounds_m: Float32Array
    """(2, 3) corners of the box that holds the shell in every expression, rig space, metres."""
    consent: Consent | None
    """Why pictures of this person may be made; None: nobody said, and no export is possible."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON: what was measured on frames that nothing was learnt from."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON: seeds, configuration and versions of the training."""

    def __post_init__(self) -> None:
        where = f"volume of {self.name!r}"
        try:
            count = len(self.model)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if self.network not in NETWORKS:
            raise InputError(
                f"{where}: network is {self.network!r}, expected one of {', '.join(NETWORKS)}"
            )
        if len(set(self.channel_names)) != len(self.channel_names):
            raise InputError(f"{where}: channel_names holds a name twice")
        size, vertices = self.map_anchors.size, len(self.vertices)
        features = len(self.weights["static"]) if "static" in self.weights else 0
        layers = len(self.chosen) * len(self.offsets_m)
        width = self.width
        for name, expected in {
            "static": (features, size, size), "own": (layers, features),
            "coarse.of_features.weight": (width, features),
            "fine.of_features.weight": (width, features),
            "coarse.density.weight": (1, width), "fine.density.weight": (1, width),
        }.items():  # fmt: skip
            found = np.shape(self.weights.get(name, ()))
            if found != expected or not features:
                raise InputError(f"{where}: weights of {name} {found}, expected {expected}")
        if {self.anchors.vertex_count, self.map_anchors.vertex_count} != {vertices} or (
            self.vertices.shape != (vertices, 3)
        ):
            raise InputError(
                f"{where}: vertices {self.vertices.shape}, expected "
                f"({self.anchors.vertex_count}, 3), those that the anchors hang on"
            )
        bounds = np.asarray(self.bounds_m)
        if bounds.shape != (2, 3) or not (bounds[0] <= bounds[1]).all():
            raise InputError(
                f"{where}: bounds_m {bounds.tolist()}, expected two corners, low first"
            )
        lost = [n for n, a in self.weights.items() if not np.isfinite(a).all()]
        if lost or not (np.isfinite(self.vertices).all() and np.isfinite(bounds).all()):
            raise InputError(
                f"{where}: {lost[0] if lost else 'vertices or bounds_m'} must be finite"
            )
        if count < 4:
            raise InputError(f"{where}: has {count} anchors, expected at least 4")

    @property
    def width(self) -> int:
        """W, of the fields' layers."""
        return len(self.weights.get("fine.of_features.weight", ()))

    @property
    def model(self) -> VolumeModel:
        """What the volume hangs on, as the runtime poses it."""
        s = self.shape
        return VolumeModel(
            self.anchors, self.chosen, self.offsets_m, self.triangles, self.thickness_m,
            self.still, s.reach_m, s.fade_m, s.skin_m, s.below_m,
        )  # fmt: skip


def write_volume_run(folder: str | Path, run: VolumeRun) -> None:
    """Write both files; volume.json last, so that a folder which has it is complete. Raises
    InputError for provenance and metrics that JSON cannot hold, before anything is written."""
    arrays: dict[str, NDArray[Any]] = {name: getattr(run, name) for name in _OWN_ARRAYS}
    for prefix, anchors in (("anchors", run.anchors), ("map", run.map_anchors)):
        arrays |= {f"{prefix}_{name}": getattr(anchors, name) for name in ANCHOR_ARRAYS}
    arrays |= {f"weights.{name}": value for name, value in run.weights.items()}
    record = {
        "kind": "avatar",
        "method": "volume",
        "name": run.name,
        "network": run.network,
        "channels": list(run.channel_names),
        "atlas": run.anchors.size,
        "map": run.map_anchors.size,
        "field": asdict(run.shape),
        "metrics": dict(run.metrics),
        "provenance": dict(run.provenance),
    }
    write_run(Path(folder, VOLUME_RECORD), Path(folder, _ARRAYS), record, run.consent, arrays)


def read_volume_run(folder: str | Path) -> VolumeRun:
    """Read a run's folder. Raises InputError, naming the file and the field, for one that is
    unfinished, damaged, or of another kind of training."""
    record, consent = read_record(Path(folder, VOLUME_RECORD), "volume")
    arrays = read_arrays(Path(folder, _ARRAYS), record)
    told = record.object("field")
    numbers: dict[str, Any] = {
        f.name: told.integer(f.name) if f.type == "int" else told.number(f.name)
        for f in fields(FieldShape)
    }
    try:
        placed = [
            Anchors(
                size=record.integer(side, *_SIDES), vertex_count=len(arrays["vertices"]),
                **{name: arrays[f"{prefix}_{name}"] for name in ANCHOR_ARRAYS},
            )
            for prefix, side in (("anchors", "atlas"), ("map", "map"))
        ]  # fmt: skip
        own = {name: arrays[name] for name in _OWN_ARRAYS}
    except KeyError as reason:
        raise InputError(f"{Path(folder, _ARRAYS)}: lacks {reason}; {AGAIN}") from None
    return VolumeRun(
        name=record.text("name"), anchors=placed[0], map_anchors=placed[1],
        network=record.text("network"), shape=FieldShape(**numbers),
        weights={n[8:]: a for n, a in arrays.items() if n.startswith("weights.")},
        channel_names=record.texts("channels"), consent=consent,
        metrics=dict(record.object("metrics").values),
        provenance=dict(record.object("provenance").values), **own,
    )  # fmt: skip
