"""Parts of the report that show single frames: of the performance, and those that stand out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien_training.reports.head_stills import jpeg_bytes
from mien_training.reports.html import figure, section, table
from mien_training.rig.report.fitted_scene import FittedScene, choose_frames
from mien_training.rig.report.frame_overlays import FrameOverlay, draw_frames
from mien_training.rig.report.worst_frames import worst_frames

__all__ = ["performance_section", "standing_out_section"]

_FRAMES = 6
_WORST = 10
_WORST_SIDE = 256
_NAMED = 20
_CONTOURS = "Contours: the tracker's points in yellow, the rig's in blue, where a camera sees them."
_HIDDEN = " The footage may not be shown: no pixel of it is in this report."


def performance_section(scene: FittedScene, show_frames: bool) -> str:
    """Frames that differ most in expression."""
    rows = choose_frames(scene.weights, scene.seen.camera.cpu().numpy(), _FRAMES)
    held, times = set(scene.fit.held_out.tolist()), scene.times_s
    overlays = draw_frames(scene, rows, show_frames=show_frames)
    captions = []
    for overlay in overlays:
        row = overlay.row
        words = [
            f"camera {int(scene.seen.camera[row]) + 1}, {max(times[row], 0.0):.2f} s",
            *(["held out"] if row in held else []),
            f"points {overlay.landmark_px:.2f} px apart",
            _active(scene, row),
        ]
        captions.append(" · ".join(words))
    note = _CONTOURS + ("" if show_frames else _HIDDEN)
    return section("Fit on footage", _grid(overlays, captions), note=note)


def standing_out_section(scene: FittedScene, show_frames: bool) -> str:
    """By name the frames that were lost or show something else; above them images of the worst,
    unless `performance_section` shows all frames."""
    parts = _named_table(scene)
    if len(scene.seen.camera) <= _FRAMES:
        return section("Frames that stand out", *parts)
    errors, named = scene.fit.errors, scene.fit.frames.named
    points, colours = errors.points_px.double().numpy(), errors.photometric.double().numpy()
    camera, times = scene.seen.camera.cpu().numpy(), scene.seen.times_s.double().cpu().numpy()
    reasons = {(f.camera, f.frame): f.reason for f in named}
    captions = []
    rows = worst_frames(points, colours, camera, times, _WORST)
    for row in rows:
        place = int(camera[row]) + 1, int(scene.seen.frame[row])
        words = [
            f"camera {place[0]}, frame {place[1]}, {times[row]:.2f} s",
            f"points {points[row]:.2f} px, colours {255 * colours[row]:.1f} of 255 apart",
            *([reasons[place]] if place in reasons else []),
            _active(scene, int(row)),
        ]
        captions.append(" · ".join(words))
    overlays = draw_frames(scene, rows, _WORST_SIDE, show_frames)
    note = (
        "The worst frames first by the distance between the tracker's points and the rig's, then "
        "by colours; of one moment the worst alone. " + _CONTOURS
    )
    return section("Frames that stand out", _grid(overlays, captions), *parts, note=note)


def _named_table(scene: FittedScene) -> tuple[str, ...]:
    """Heading and table; what is said of them where there are none."""
    named = scene.fit.frames.named
    if not named:
        return ("<h3>By name</h3>", "<p>None was lost, and none shows something else.</p>")
    rows = [
        (f"{f.camera}", f"{f.frame}", f"{f.time_s:.2f}", f"{f.points_px:.2f}", f.reason)
        for f in named[:_NAMED]
    ]
    more = f" The first {_NAMED} of {len(named)}." if len(named) > _NAMED else ""
    head = ("camera", "frame", "s", "points apart, px", "what")
    words = (
        "No frame is left out of the performance; these count less, or not at all, for the "
        f"person's shape and skin.{more}"
    )
    return ("<h3>By name</h3>", f'<p class="note">{words}</p>', table(head, rows, range(4)))


def _active(scene: FittedScene, row: int) -> str:
    """The strongest shapes of a frame, in words."""
    weights, names = scene.weights[row], scene.person.shape_names
    top = np.argsort(-weights)[:3]
    return ", ".join(f"{names[k]} {weights[k]:.2f}" for k in top if weights[k] > 0.05) or "neutral"


def _grid(overlays: Sequence[FrameOverlay], captions: Sequence[str]) -> str:
    figures = (
        figure(jpeg_bytes(overlay.image), "fit beside frame", caption)
        for overlay, caption in zip(overlays, captions, strict=True)
    )
    return f'<div class="grid2">{"".join(figures)}</div>'
