"""`mien train rig --meshes`: captured meshes in, the same run's folder out as from footage."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.anatomy.finish import FinishedRig, finish_rig
from mien_training.footage.captured import MESHES_FILE, CapturedMeshes, read_meshes
from mien_training.geometry.deformation_transfer import UnseenShapes, unseen_shapes
from mien_training.head import Template
from mien_training.metrics.mesh_errors import summarise
from mien_training.rig.coverage.movements import Movements
from mien_training.rig.coverage.shape_coverage import ShapeCoverage, apply_coverage, shape_coverage
from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.mesh_motion import WeightBelief
from mien_training.rig.from_meshes.mesh_report import MeshReport, write_mesh_report
from mien_training.rig.from_meshes.pose_script import DIRECTED, PoseScript, read_script
from mien_training.rig.from_meshes.solve import MeshFit, fit_meshes
from mien_training.rig.from_meshes.weight_belief import believed_weights, scores_at
from mien_training.rig.report.write_report import compared_region
from mien_training.runs.cache import write_arrays
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.content_key import file_digest, template_digest, topology_digest
from mien_training.runs.progress import Report, silent
from mien_training.runs.run_folder import claim_inputs, plain_config
from mien_training.runs.stages import Stages
from mien_training.templates.person import write_person

__all__ = ["MOMENTS_FILE", "MeshSources", "rig_of_meshes"]

MOMENTS_FILE = "moments.npz"

_MM = 1000.0
_VIDEO_M = 0.75e-3
"""How far off frames of a video are, which `shape_coverage` counts."""
_MOST_FRAMES = 25


@dataclass(frozen=True)
class MeshSources:
    """Captured meshes in place of footage."""

    meshes: Path
    """A capture's folder, or its meshes.npz."""
    script: Path | None = None
    """What was asked for in each moment, a CSV file; `directed` is the list that ships."""
    scores: Path | None = None
    """A tracker's recording of the same take."""
    fit: MeshFitConfig = field(default_factory=MeshFitConfig)


@dataclass(frozen=True, eq=False)
class _Take:
    """What the solve is given."""

    meshes: CapturedMeshes
    belief: WeightBelief
    left_out: int
    """Moments that failed."""
    prompts: tuple[str, ...]
    """What was asked for in a moment that failed, and so is not seen."""


def rig_of_meshes(
    sources: MeshSources, out: Path, name: str, template: Template, report: Report = silent,
    unseen: UnseenShapes = "copied",
) -> dict[str, Any]:  # fmt: skip
    """Write `person.npz`, `moments.npz`, `report.html`, `shapes.png` and `metrics.json`.

    out: an existing folder; an interrupted call goes on from its `checkpoint.pt`. Shapes that no
    moment shows are the template's, as `unseen` says. Returns the metrics. Raises InputError for
    files that are none of theirs, meshes of another template, and for a folder that holds a run on
    inputs of other content.
    """
    start = perf_counter()
    meshes = read_meshes(sources.meshes)
    _check_template(sources.meshes, meshes, template)
    inputs = _digests(sources, template)
    claim_inputs(out, inputs)
    config = sources.fit
    take = _chosen(sources, meshes, template, config)
    origin = {"configuration": asdict(config), **inputs}
    stages = Stages(Checkpoint(out / "checkpoint.pt", origin))
    fit = fit_meshes(template, take.meshes, take.belief, config, stages, report)
    shapes, movements = _coverage(template, fit, take.meshes)
    usual = unseen_shapes(
        template.vertices, template.shape_deltas, template.triangles, fit.neutral, unseen
    )
    done = finish_rig(template, fit.neutral, apply_coverage(usual, fit.deltas, shapes))
    person = replace(
        template, name=name, vertices=done.neutral, shape_deltas=done.deltas, joints=done.joints,
        jaw_pivot=done.jaw_pivot,
    )  # fmt: skip
    write_person(out, person, None)
    _write_moments(out / MOMENTS_FILE, person, take.meshes, fit)
    metrics = _metrics(sources, template, take, fit, movements, done)
    metrics |= {"seconds": perf_counter() - start, "inputs": inputs}
    metrics["config"] = {**plain_config(config, ()), "unseen": unseen}
    write_mesh_report(
        out, person, MeshReport(fit, take.meshes, shapes, movements, take.left_out, take.prompts)
    )
    write_atomically(out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    return metrics


def _check_template(path: Path, meshes: CapturedMeshes, template: Template) -> None:
    if meshes.topology_sha256 != topology_digest(template):
        raise InputError(
            f"{path}: field 'topology_sha256' is of another template than {template.name!r}: "
            f"captured with {meshes.template!r}, expected the same one as --template"
        )
    if not meshes.good.any():
        reasons = ", ".join(sorted(set(meshes.failure))[:3]) or "it holds none"
        raise InputError(f"{path}: no moment to be believed ({reasons}), expected one at least")


def _digests(sources: MeshSources, template: Template) -> dict[str, str]:
    file = sources.meshes / MESHES_FILE if sources.meshes.is_dir() else sources.meshes
    digests = {"template": template_digest(template), "meshes": file_digest(file)}
    for name, path in (("script", sources.script), ("scores", sources.scores)):
        if path is not None and str(path) != DIRECTED:
            digests[f"{name} {path.name}"] = file_digest(path)
    return digests


def _chosen(
    sources: MeshSources, meshes: CapturedMeshes, template: Template, config: MeshFitConfig
) -> _Take:
    """Good moments, no more than are wanted: those of the script first, the others evenly."""
    names = template.shape_names
    script = None if sources.script is None else read_script(sources.script, names)
    scores = None if sources.scores is None else scores_at(sources.scores, meshes, names)
    belief, asked = believed_weights(meshes, names, config, script, scores)
    good = meshes.good
    first = _evenly(np.flatnonzero(good & asked), config.moments)
    others = _evenly(np.flatnonzero(good & ~asked), config.moments - len(first))
    rows = np.sort(np.concatenate([first, others]))
    return _Take(
        meshes.take(rows),
        WeightBelief(belief.mean[rows], belief.spread[rows]),
        int((~good).sum()),
        () if script is None else _unseen_prompts(script, meshes),
    )


def _evenly(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    if len(rows) <= most:
        return rows
    return (
        rows[np.linspace(0, len(rows) - 1, most).round().astype(np.intp)] if most > 0 else rows[:0]
    )


def _unseen_prompts(script: PoseScript, meshes: CapturedMeshes) -> tuple[str, ...]:
    return tuple(
        prompt or f"what line {line} of the script asks for"
        for row, prompt, line in zip(
            script.rows_of(meshes), script.prompt, script.line, strict=True
        )
        if meshes.failure[row]
    )


def _coverage(
    template: Template, fit: MeshFit, meshes: CapturedMeshes
) -> tuple[tuple[ShapeCoverage, ...], tuple[ShapeCoverage, ...]]:
    """Of the shapes and of the movements; seconds are moments here.

    A mesh that is less far off than a frame of a video is counted as so many of them.
    """
    region = compared_region(template)
    spread = float(np.median(meshes.spread_m[:, template.regions["skin"]]))
    worth = round(min(max((_VIDEO_M / max(spread, 1e-6)) ** 2, 1), _MOST_FRAMES))
    weights = np.repeat(fit.motion.weights, worth, axis=0)
    moments = len(meshes)
    names = template.shape_names
    return (
        shape_coverage(names, fit.deltas, weights, region, moments),
        Movements(names).coverage(fit.deltas, weights, region, moments),
    )


def _write_moments(path: Path, person: Template, meshes: CapturedMeshes, fit: MeshFit) -> None:
    """The performance: which moment, when, weights and pose, and how far the rig is from it."""
    skin = person.regions["skin"]
    write_arrays(path, {
        "shape_names": np.array(person.shape_names), "frame": meshes.frame,
        "time_s": meshes.time_s, "weights": fit.motion.weights.astype(np.float32),
        "world_from_rig": fit.motion.world_from_rig(),
        "error_m": fit.error_m[:, skin].mean(1),
    })  # fmt: skip


def _metrics(
    sources: MeshSources, template: Template, take: _Take, fit: MeshFit,
    movements: Sequence[ShapeCoverage], done: FinishedRig,
) -> dict[str, Any]:  # fmt: skip
    skin = template.regions["skin"]
    return {
        "meshes": sources.meshes.name,
        "moments": len(take.meshes),
        "failed": take.left_out,
        "distance_mm": asdict(summarise(_MM * fit.error_m[:, skin])),
        "verdicts": dict(Counter(c.verdict for c in movements)),
        "lids": {side: asdict(after) for side, (_, after) in done.lids.items()},
        "intersections": {key: asdict(count) for key, count in done.intersections.items()},
        "versions": {key: version(key) for key in ("mien", "torch", "numpy")},
    }
