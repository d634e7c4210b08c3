"""`mien train rig` of a scan: the mesh of a head in, the same run's folder out as from footage."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien_training.anatomy.finish import finish_rig
from mien_training.footage.scanned.registered_mesh import REGISTERED_FILE, write_registered
from mien_training.footage.scanned.scan import SCAN_SUFFIXES, read_scan
from mien_training.geometry.deformation_transfer import UnseenShapes, unseen_shapes
from mien_training.head import Template
from mien_training.metrics.mesh_errors import summarise
from mien_training.rendering.relief.relief_file import RELIEF_SIDE, write_relief
from mien_training.reports.blendshape_sheet import blendshape_sheet
from mien_training.reports.head_stills import png_bytes
from mien_training.rig.scan.registration import ScanFit, ScanFitConfig, register_scan
from mien_training.rig.scan.relief.scanned_relief import relief_of_scan
from mien_training.rig.scan.scan_landmarks import ScanLandmarks, find_landmarks
from mien_training.rig.scan.scan_texture import scan_texture
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.content_key import content_digest, template_digest
from mien_training.runs.progress import Report, silent
from mien_training.runs.run_folder import claim_inputs, plain_config
from mien_training.runs.stages import Stages
from mien_training.templates.person import person_materials, write_person
from mien_training.templates.regions import face_region

__all__ = ["ScanOptions", "is_scan", "rig_of_scan"]

_MM = 1000.0


@dataclass(frozen=True)
class ScanOptions:
    """A scan in place of footage."""

    units: Literal["m", "cm", "mm", "in"] | None = None
    """What its numbers are measured in; left out, the size of the face tells."""
    texture: Path | None = None
    """An image in place of the one that the file names."""
    normals: Path | None = None
    """Its tangent-space normal map (green up), an image: the relief goes to relief.npz, for
    `mien train detail-basis --scan`."""
    fit: ScanFitConfig = field(default_factory=ScanFitConfig)
    """The registration."""


def is_scan(source: Path) -> bool:
    """Whether a file is a mesh, by its name."""
    return source.suffix.lower() in SCAN_SUFFIXES


def rig_of_scan(
    source: Path,
    out: Path,
    name: str,
    template: Template,
    options: ScanOptions,
    texture_side: int,
    report: Report = silent,
    unseen: UnseenShapes = "copied",
) -> dict[str, Any]:
    """Write `person.npz`, `skin.png` (of a scan with colours), `registered.npz` (the head as the
    scan shows it, in its axes and unit), `shapes.png` and `metrics.json`.

    out: an existing folder; an interrupted call goes on from its `checkpoint.pt`. The shapes are
    the template's, as `unseen` says. Returns the metrics. Raises InputError for a file that is no
    scan or shows no face, and for a folder that holds a run on inputs of other content.
    """
    start = perf_counter()
    scan = read_scan(source, options.units, options.texture)
    inputs = {"template": template_digest(template), f"scan {source.name}": content_digest(scan)}
    claim_inputs(out, inputs)
    origin = {"configuration": asdict(options.fit), **inputs}
    stages = Stages(Checkpoint(out / "checkpoint.pt", origin))
    kept = stages.run("landmarks", lambda: find_landmarks(scan, template).state())
    found = ScanLandmarks.of_state(kept, scan)
    fit = register_scan(scan, template, options.fit, found, report, stages)
    shapes = unseen_shapes(
        template.vertices, template.shape_deltas, template.triangles, fit.neutral, unseen
    )
    done = finish_rig(template, fit.neutral, shapes)
    person = replace(
        template,
        name=name,
        vertices=done.neutral,
        shape_deltas=done.deltas,
        joints=done.joints,
        jaw_pivot=done.jaw_pivot,
    )
    skin = _skin(found, template, fit, texture_side)
    write_person(out, person, skin)
    write_registered(out / REGISTERED_FILE, template, fit.world_from_rig.points(fit.fitted))
    if options.normals is not None:
        relief = relief_of_scan(found.scan, options.normals, fit, template, RELIEF_SIDE)
        write_relief(out, relief.height)
    sheet = blendshape_sheet(person, person_materials(person, skin))
    write_atomically(out / "shapes.png", png_bytes(sheet))
    face = summarise(_MM * fit.distance_m[face_region(template)])
    metrics = {
        "scan": source.name,
        "distance_mm": asdict(face),
        "expressions": fit.expressions,
        "metres_per_unit": fit.metres_per_unit,
        "size_is_guessed": fit.size_is_guessed,
        "texture_flipped": found.texture_flipped,
        "seconds": perf_counter() - start,
        "config": {**plain_config(options, ()), "unseen": unseen},
        "inputs": inputs,
        "lids": {side: asdict(after) for side, (_, after) in done.lids.items()},
        "intersections": {key: asdict(count) for key, count in done.intersections.items()},
        "versions": {key: version(key) for key in ("mien", "torch", "trimesh", "numpy")},
    }
    write_atomically(out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    return metrics


def _skin(
    found: ScanLandmarks, template: Template, fit: ScanFit, side: int
) -> NDArray[np.uint8] | None:
    """The scan's colours; None where it has none, and the skin is painted."""
    scan = found.scan
    if scan.texture is None and scan.colours is None:
        return None
    return scan_texture(
        scan, template, fit.fitted, fit.world_from_rig, fit.attracted, side
    ).base_color
