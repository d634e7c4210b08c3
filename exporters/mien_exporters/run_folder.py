"""The folder in which a training run leaves a character: what `mien export` reads.

    rig.glb         the person's rig, as mien_exporters.gltf writes it
    animator.onnx   the trained network, by the engine rules
    run.json        everything else of AnimatorRun: names, features, licence, consent, provenance
    preview.png     optional

Trainers write it with `write_animator_run`, beside whatever they keep for themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.atomic import write_atomically
from mien.errors import InputError
from mien.glb import read_rig
from mien.manifest import Consent
from mien.rig import Rig
from mien.strict_json import Fields, parse_strict
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_mesh import drop_still_shapes

__all__ = ["RECORD", "AnimatorRun", "read_animator_run", "write_animator_run"]

RECORD = "run.json"
_RIG, _MODEL, _PREVIEW = "rig.glb", "animator.onnx", "preview.png"


@dataclass(frozen=True, eq=False)
class AnimatorRun:
    """What a finished animator training hands over."""

    name: str
    """The character's name."""
    rig: Rig
    animator_onnx: bytes
    """x[batch,time,F+1], h0, c0 -> channels[batch,time,C], hn, cn."""
    channels: tuple[str, ...]
    """C names of the animator's outputs, in order."""
    features: tuple[str, ...]
    """Groups of the animator's input, in order (mien.tracker.features.FEATURE_GROUPS)."""
    licence: str
    """Licence of the character, and whom to credit: from the template and its textures."""
    consent: Consent
    """Why this face may be used."""
    rate_hz: float = 30.0
    """Frames per second of the training data."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON: seeds, configuration, metrics and versions of the training."""
    preview_png: bytes | None = None
    """An image of the character."""
    glb: bytes | None = None
    """The GLB that `rig` was read from: an export takes it over and does not make it again."""


def write_animator_run(folder: str | Path, run: AnimatorRun) -> None:
    """Write the four files; run.json last, so that a folder which has it is complete."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / _RIG, rig_to_glb(drop_still_shapes(run.rig)))
    write_atomically(folder / _MODEL, run.animator_onnx)
    if run.preview_png is not None:
        write_atomically(folder / _PREVIEW, run.preview_png)
    record = {
        "kind": "animator",
        "name": run.name,
        "licence": run.licence,
        "consent": {"kind": run.consent.kind, "statement": run.consent.statement},
        "channels": list(run.channels),
        "features": list(run.features),
        "rate_hz": run.rate_hz,
        "provenance": dict(run.provenance),
    }
    try:
        text = json.dumps(record, indent=1, allow_nan=False)
    except (TypeError, ValueError) as reason:
        raise InputError(f"{folder / RECORD}: provenance is not plain JSON: {reason}") from None
    write_atomically(folder / RECORD, text.encode() + b"\n")


def read_animator_run(folder: str | Path) -> AnimatorRun:
    """Read a run's folder. Raises InputError, naming the file, for one that is unfinished."""
    folder = Path(folder)
    where = str(folder / RECORD)
    fields = Fields(parse_strict(_read(folder / RECORD), where, InputError), where, InputError)
    if fields.text("kind") != "animator":
        raise InputError(f"{where}: field 'kind' is {fields.text('kind')!r}, expected 'animator'")
    consent = fields.object("consent")
    glb = _read(folder / _RIG)
    preview = folder / _PREVIEW
    return AnimatorRun(
        name=fields.text("name"),
        rig=read_rig(glb, fields.text("name")),
        animator_onnx=_read(folder / _MODEL),
        channels=fields.texts("channels"),
        features=fields.texts("features"),
        licence=fields.text("licence"),
        consent=Consent(consent.text("kind"), consent.text("statement")),
        rate_hz=fields.number("rate_hz", 0, 1000),
        provenance=dict(fields.object("provenance").values),
        preview_png=_read(preview) if preview.exists() else None,
        glb=glb,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as reason:
        raise InputError(
            f"{path}: cannot be read ({reason.strerror}); expected the folder of a finished "
            "`mien train animator`"
        ) from None
