"""A person's volume as the files of a package, and the manifest's entry of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mien.avatar_kinds import VolumeEntry
from mien.consent import Consent
from mien.errors import InputError
from mien.rig import Rig
from mien_exporters.avatar.avatar_files import check_person, synthetic_mark
from mien_exporters.avatar.volume.features_onnx import features_onnx
from mien_exporters.avatar.volume.field_onnx import field_onnx
from mien_exporters.avatar.volume.volume_glb import volume_glb
from mien_exporters.avatar.volume.volume_run import VolumeRun

__all__ = ["COARSE", "FEATURES", "FIELD", "VOLUME", "check_volume", "volume_entry", "volume_files",
           "volume_provenance"]  # fmt: skip

VOLUME, FEATURES = "avatar/volume.glb", "avatar/features.onnx"
COARSE, FIELD = "avatar/coarse.onnx", "avatar/field.onnx"


def check_volume(run: VolumeRun, rig: Rig, consent: Consent) -> None:
    """Raises InputError for a volume that may not or cannot go into the character with this rig and
    this consent: nobody's consent, another mesh, another person."""
    check_person(f"volume of {run.name!r}", run.consent, run.vertices, rig, consent)


def volume_entry(run: VolumeRun, channels: Sequence[str], name: str | None = None) -> VolumeEntry:
    """What the manifest says of it; `name` of the person shown, if not the run's. Raises InputError
    without consent."""
    if run.consent is None:
        raise InputError(f"volume of {run.name!r}: has no consent of the person shown")
    low, high = ([float(x) for x in corner] for corner in run.bounds_m)
    shape = run.shape
    return VolumeEntry(
        volume=VOLUME, features=FEATURES, coarse=COARSE, field=FIELD, channels=tuple(channels),
        vertices=len(run.vertices), anchors=len(run.model), width=run.width,
        samples=(shape.coarse_samples, shape.fine_samples), reach_m=shape.reach_m,
        fade_m=shape.fade_m, skin_m=shape.skin_m, below_m=shape.below_m,
        low_m=(low[0], low[1], low[2]), high_m=(high[0], high[1], high[2]), consent=run.consent,
        synthetic_mark=synthetic_mark(name or run.name),
    )  # fmt: skip


def volume_files(
    run: VolumeRun, channels: Sequence[str], name: str | None = None
) -> tuple[dict[str, bytes], VolumeEntry]:
    """Name -> bytes of the anchors and of the networks for these channels, and the entry; `name` of
    the person shown, if not the run's. Deterministic. Raises InputError without consent."""
    entry = volume_entry(run, channels, name)
    files = {
        VOLUME: volume_glb(run, channels),
        FEATURES: features_onnx(run, entry),
        COARSE: field_onnx(run, entry, "coarse"),
        FIELD: field_onnx(run, entry, "field"),
    }
    return files, entry


def volume_provenance(run: VolumeRun) -> dict[str, Any]:
    """How it was made and what was measured, for the manifest."""
    return {**run.provenance, "metrics": dict(run.metrics)}
