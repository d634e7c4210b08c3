"""The page of a capture: pictures with the mesh over them, maps, curves, numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien_training.capture.report.moment_tiles import sheet_of
from mien_training.capture.report.sections import (
    cameras_section,
    failures_section,
    time_section,
    trust_section,
)
from mien_training.capture.report.telling_moments import mean_confidence
from mien_training.footage.captured import CameraResiduals, CapturedMeshes
from mien_training.head import Template
from mien_training.reports.head_stills import jpeg_bytes
from mien_training.reports.html import cards, figure, page, section

__all__ = ["REPORT_FILE", "ReportPictures", "write_report"]

REPORT_FILE = "report.html"
_HIDDEN = " The pictures may not be shown: no pixel of them is in this report."


@dataclass(eq=False)
class ReportPictures:
    """What the report shows of the take's pictures, gathered moment by moment."""

    telling: dict[str, tuple[int, list[NDArray[np.uint8]]]] = field(default_factory=dict)
    """best, median, worst -> the moment and a tile for each camera."""
    over_time: list[tuple[int, NDArray[np.uint8]]] = field(default_factory=list)
    """Moments, and a tile of the camera in front."""


def write_report(
    folder: Path,
    meshes: CapturedMeshes,
    residuals: CameraResiduals,
    template: Template,
    pictures: ReportPictures,
    seconds: Mapping[str, float],
    show_frames: bool = True,
) -> Path:
    """Write `report.html` into an existing folder, of a take that is not all failures. seconds: by
    stage, of all moments."""
    good = meshes.good
    predicted = sum(seconds.values())
    confidence = meshes.confidence[good].mean(dtype=np.float64)
    spread = 1e3 * float(np.median(meshes.spread_m[good]))
    body = [
        cards(
            [
                (str(len(meshes)), "moments"),
                (str(len(residuals.names)), "cameras"),
                (str(int((~good).sum())), "failures"),
                (f"{confidence:.2f}", "mean confidence, 0 to 1"),
                (f"{spread:.2f} mm", "expected error of the median vertex"),
                (f"{predicted / len(meshes):.2f} s", "a moment"),
            ]
        ),
        _telling(meshes, residuals, pictures, show_frames),
        _over_time(meshes, pictures),
        trust_section(meshes, template),
        cameras_section(meshes, residuals),
        failures_section(meshes),
        time_section(seconds, len(meshes)),
    ]
    lead = (
        f"{len(meshes)} moments of {len(residuals.names)} cameras as meshes of "
        f"{len(template.vertices)} vertices. Left and right are the person's own."
    )
    path = folder / REPORT_FILE
    return write_atomically(path, page("Capture report", lead, body).encode())


def _telling(
    meshes: CapturedMeshes,
    residuals: CameraResiduals,
    pictures: ReportPictures,
    show_frames: bool,
) -> str:
    confidence = mean_confidence(meshes)
    figures = []
    for name, (n, tiles) in pictures.telling.items():
        words = [f"{name}: frame {int(meshes.frame[n])}, {meshes.time_s[n]:.2f} s"]
        words += [meshes.failure[n] or f"confidence {confidence[n]:.2f}"]
        image = jpeg_bytes(sheet_of(tiles, residuals.names))
        figures.append(figure(image, f"the {name} moment", " · ".join(words)))
    note = "Above the pictures, cut out around the head; below the captured mesh over them."
    return section(
        "The mesh over the pictures", *figures, note=note if show_frames else _HIDDEN.strip()
    )


def _over_time(meshes: CapturedMeshes, pictures: ReportPictures) -> str:
    names = [f"{meshes.time_s[n]:.2f} s" for n, _ in pictures.over_time]
    image = jpeg_bytes(sheet_of([tile for _, tile in pictures.over_time], names, 6))
    return section("Over time", figure(image, "moments in order, from the camera in front"))
