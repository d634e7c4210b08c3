"""A page that shows how well a rig was fitted: images, curves, numbers, what to shoot again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.atomic import write_atomically
from mien.errors import InputError
from mien.rig import Material
from mien_training.footage.observations import Observations
from mien_training.head import Template
from mien_training.reports.blendshape_sheet import blendshape_sheet
from mien_training.reports.charts import history_charts, weight_charts
from mien_training.reports.head_stills import png_bytes
from mien_training.reports.html import cards, figure, page, section, table
from mien_training.rig.coverage.movements import Movements
from mien_training.rig.coverage.shape_coverage import ShapeCoverage, shape_coverage, verdict_colours
from mien_training.rig.fit import RigFit
from mien_training.rig.report.coverage_section import coverage_section
from mien_training.rig.report.error_map import draw_error, vertex_error
from mien_training.rig.report.fitted_scene import FittedScene
from mien_training.rig.report.frame_sections import performance_section, standing_out_section
from mien_training.templates.regions import face_region

__all__ = ["compared_region", "write_report"]

_ERROR_FRAMES = 60
_STILLS = (
    " Images of one moment show no performance: these are the template's shapes, carried over "
    "to this face. Film one for shapes of this person's own."
)


def compared_region(template: Template) -> NDArray[np.bool_]:
    """(V,) what the fit compares with footage: the face, the eyes, the lids."""
    return np.asarray(face_region(template) | template.regions["eyes"] | template.regions["lids"])


def write_report(
    folder: Path,
    person: Template,
    seen: Observations,
    fit: RigFit,
    metrics: Mapping[str, Any] | None = None,
    materials: tuple[Material, ...] | None = None,
    coverage: Sequence[ShapeCoverage] | None = None,
    region: ArrayLike | None = None,
    show_frames: bool = True,
) -> Path:
    """Write `report.html` and `shapes.png` into an existing folder; the path of the first.

    person: the rig as delivered; metrics: further numbers to list (of metrics.json), in tables of
    their own where they are mappings; materials: the person's look for the sheet of shapes, None
    for clay; coverage: of `shape_coverage`, None to work it out; region (V,) bool: what the fit
    compared, `compared_region` if None. show_frames=False keeps footage that may not be shown out
    of the report: no pixel of it, no colours learnt from it (`materials` are not used).

    Raises InputError for a coverage of other shapes.
    """
    scene = FittedScene.of(person, seen, fit)
    weights, camera = scene.weights, seen.camera.cpu().numpy()
    compared = compared_region(person) if region is None else np.asarray(region)
    times = scene.times_s
    if coverage is None:
        span = float(times.max() - times.min())
        coverage = shape_coverage(person.shape_names, person.shape_deltas, weights, compared, span)
    if tuple(c.name for c in coverage) != tuple(person.shape_names):
        raise InputError("write_report: the coverage's shapes are not the person's")
    count = len(camera)
    some = np.unique(np.linspace(0, count - 1, _ERROR_FRAMES).astype(np.int64))
    error = vertex_error(scene, some, compared)
    performed = bool(seen.times_s.max() > seen.times_s.min())
    look = materials if show_frames else None
    movements = Movements(person.shape_names)
    span = float(times.max() - times.min())
    shown = movements.coverage(person.shape_deltas, weights, compared, span) if performed else ()
    colours = verdict_colours(shown)
    dots = {name: colours[c.name] for c in shown for name in movements.shapes[c.name]}
    sheet = png_bytes(blendshape_sheet(person, look, dots))
    offsets = (1000 * fit.model.time_offsets.offsets_s.detach()).tolist()
    body = [
        _summary(scene, error, shown),
        performance_section(scene, show_frames),
        standing_out_section(scene, show_frames),
        section(
            "Where the colours differ",
            figure(png_bytes(draw_error(person, error)), "colour error on the face"),
            note="Mean absolute difference between fitted and recorded colour, over the frames, at "
            "each place of the face. Bright places are where shape, motion or light is not "
            "explained.",
        ),
        section(
            "Shapes",
            figure(sheet, "every shape at weight 1"),
            note="This person's rig with one shape at weight 1 each; mouthClose on top of jawOpen, "
            "which it corrects." + (" The dot is the verdict below." if performed else _STILLS),
        ),
        *(
            [coverage_section(person, shown, coverage, compared), _curves_section(scene)]
            if performed
            else ()
        ),
        section(
            "Training",
            history_charts(fit.history),
            note="Figures at every check, over the rounds, "
            + (
                "on frames that were held out: no step has seen a pixel of them."
                if len(fit.held_out)
                else "on all frames, for they are few."
            ),
        ),
        _numbers_section(scene, offsets, metrics or {}),
    ]
    lead = (
        f"A blendshape rig fitted to {count} frames of {_plural(len(offsets), 'camera')}. "
        "Left and right are the person's own."
    )
    write_atomically(folder / "shapes.png", sheet)
    text = page(f"{person.name}: rig report", lead, body)
    return write_atomically(folder / "report.html", text.encode())


def _summary(
    scene: FittedScene, error: NDArray[np.float64], coverage: Sequence[ShapeCoverage]
) -> str:
    known = error[~np.isnan(error)]
    points = scene.fit.frames.points_px
    verdicts = [c.verdict for c in coverage]
    shown = [
        (f"{verdicts.count('observed')} of {len(verdicts)}", "movements observed"),
        (f"{verdicts.count('partial')}", "partial: too little, or never alone"),
        (f"{verdicts.count('unobserved')}", "unobserved"),
    ]
    return cards(
        [
            (f"{len(scene.seen.camera)}", "frames in which the face was found"),
            (f"{known.mean():.1f}" if len(known) else "-", "mean colour error, of 255"),
            (f"{points.median:.2f} px", "between tracker's and rig's points, median frame"),
            (f"{points.p95:.2f} px", "in 19 of 20 frames less than this"),
            (f"{points.worst:.2f} px", "in the worst frame"),
            *(shown if verdicts else ()),
        ]
    )


def _curves_section(scene: FittedScene) -> str:
    camera = scene.seen.camera.cpu().numpy()
    return section(
        "Weights over time",
        weight_charts(scene.person.shape_names, scene.weights, scene.times_s, camera),
        note="What the fit found in each camera's frames, on the first camera's clock. The "
        "most active shapes are large; all axes run from 0 to 1.",
    )


def _numbers_section(
    scene: FittedScene, offsets: Sequence[float], metrics: Mapping[str, Any]
) -> str:
    height, width = scene.seen.images.shape[1:3]
    camera = scene.seen.camera.cpu().numpy()
    per_camera = [
        (f"{c + 1}", f"{int((camera == c).sum())}", f"{width} x {height}", f"{offset:+.1f}")
        for c, offset in enumerate(offsets)
    ]
    tables = {
        "cameras": table(("camera", "frames", "pixels", "time offset, ms"), per_camera, (1, 2, 3))
    }
    plain = {
        name: value
        for name, value in metrics.items()
        if name not in ("history", "offsets_ms") and not isinstance(value, Mapping)
    }
    groups = {"figures": plain} | {n: v for n, v in metrics.items() if isinstance(v, Mapping)}
    for name, values in groups.items():
        rows = [(_words(str(k)), _value(v)) for k, v in values.items()]
        if rows:
            tables[name] = table(("", ""), rows, numbers=(1,))
    parts = [
        f"<div><h3>{escape(_words(name).capitalize())}</h3>{content}</div>"
        for name, content in tables.items()
    ]
    return section("Numbers", f'<div class="numbers">{"".join(parts)}</div>')


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(v) for v in value)
    return str(value)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")
