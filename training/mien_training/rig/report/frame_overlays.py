"""The fit laid over the footage: frame, fitted head, both together with the landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien_training.head import rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.preview import CONTOURS
from mien_training.reports.head_stills import GROUND, INK, clay_materials, write
from mien_training.rig.report.fitted_scene import FittedScene

__all__ = ["RIG_COLOUR", "TRACKER_COLOUR", "FrameOverlay", "draw_frames"]

ImageArray = NDArray[np.uint8]

TRACKER_COLOUR = (255, 190, 60)
RIG_COLOUR = (70, 210, 255)
_SEEN = 0.3
"""Points that are seen less squarely than this are not drawn."""


@dataclass(frozen=True, eq=False)
class FrameOverlay:
    """One frame of the footage beside the fit."""

    row: int
    """Among the N frames."""
    image: ImageArray
    """(side, 2 or 3 sides and gaps, 3)."""
    landmark_px: float
    """Median distance between the tracker's and the rig's points, pixels of the footage."""


def draw_frames(
    scene: FittedScene, rows: NDArray[np.int64], side: int = 384, show_frames: bool = True
) -> tuple[FrameOverlay, ...]:
    """Panels frame | fit | overlay; without `show_frames`: the fit in clay | landmarks.

    Without `show_frames` no pixel of the footage goes in, nor colours that were learnt from it.
    """
    chosen = torch.from_numpy(rows).to(scene.seen.images.device)
    rig_points, squarely = scene.landmark_points(chosen)
    points = scene.seen.points[chosen].cpu().numpy()
    heads = _fitted(scene, chosen) if show_frames else _clay(scene, rows, side)
    found = []
    for n, row in enumerate(rows):
        clear = squarely[n] > _SEEN
        if show_frames:
            frame = scene.seen.images[int(row)].cpu().numpy()
            panels = [frame, heads[n][0], _mixed(frame, *heads[n])]
            names: tuple[str, ...] = ("footage", "fit", "both")
        else:
            panels = [heads[n][0], np.full_like(heads[n][0], GROUND)]
            names = ("fit", "landmarks")
        scale = side / scene.seen.images.shape[1]
        large = [_enlarged(p, side) for p in panels]
        large[-1] = _with_contours(large[-1], scale * points[n], scale * rig_points[n], clear)
        apart = np.linalg.norm(points[n] - rig_points[n], axis=1)[clear]
        median = float(np.median(apart)) if len(apart) else float("nan")
        image = _strip(large, names)
        found.append(FrameOverlay(int(row), image, median))
    return tuple(found)


def _fitted(
    scene: FittedScene, chosen: torch.Tensor
) -> list[tuple[ImageArray, NDArray[np.float32]]]:
    """Rendered head on the report's ground, and its coverage, per frame."""
    shape = (len(chosen), *scene.seen.images.shape[1:3], 1)
    ground = torch.tensor(GROUND, device=chosen.device) / 255
    rendered = scene.render(chosen, ground.expand(*shape[:3], 3).contiguous())
    colour = (255 * rendered.colour.clamp(0, 1)).round().byte().cpu().numpy()
    cover = rendered.coverage.clamp(0, 1).cpu().numpy()
    return list(zip(colour, cover, strict=True))


def _clay(
    scene: FittedScene, rows: NDArray[np.int64], side: int
) -> list[tuple[ImageArray, NDArray[np.float32]]]:
    rig, source = rig_from_template(scene.person, "clay", None, clay_materials(scene.person))
    renderer = HeadRenderer(rig, samples=3)
    found = []
    for row in rows:
        weights = scene.weights[row]
        face = scene.person.vertices + np.tensordot(weights, scene.person.shape_deltas, 1)
        camera = scene.camera_at(int(row))
        camera = camera.resized(round(camera.width * side / camera.height), side)
        vertices = face[source].astype(np.float32)
        image = renderer.render(vertices, camera, background=GROUND)
        found.append((image, renderer.coverage(vertices, camera)))
    return found


def _mixed(frame: ImageArray, head: ImageArray, cover: NDArray[np.float32]) -> ImageArray:
    """Half and half where the head is."""
    share = 0.5 * cover[..., None]
    return np.asarray(np.rint((1 - share) * frame + share * head).astype(np.uint8))


def _enlarged(image: ImageArray, side: int) -> ImageArray:
    width = round(image.shape[1] * side / image.shape[0])
    return np.asarray(Image.fromarray(image).resize((width, side), Image.Resampling.BICUBIC))


def _with_contours(
    image: ImageArray, tracker: NDArray[np.float32], rig: NDArray[np.float32],
    clear: NDArray[np.bool_],
) -> ImageArray:  # fmt: skip
    """Contours of both sets of points, drawn at twice the size for even lines."""
    height, width = image.shape[:2]
    canvas = Image.fromarray(image).resize((2 * width, 2 * height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    thick = max(round(height / 90), 2)
    for points, colour in ((tracker, TRACKER_COLOUR), (rig, RIG_COLOUR)):
        for contour in CONTOURS:
            for a, b in pairwise(contour):
                if clear[a] and clear[b]:
                    ends = [(2 * float(points[i, 0]), 2 * float(points[i, 1])) for i in (a, b)]
                    draw.line(ends, fill=colour, width=thick)
    return np.asarray(canvas.resize((width, height), Image.Resampling.BOX))


def _strip(panels: list[ImageArray], names: tuple[str, ...], gap: int = 6) -> ImageArray:
    height = panels[0].shape[0]
    width = sum(p.shape[1] for p in panels) + gap * (len(panels) - 1)
    image = Image.new("RGB", (width, height), GROUND)
    draw, left = ImageDraw.Draw(image), 0
    size = height / 19
    for panel, name in zip(panels, names, strict=True):
        image.paste(Image.fromarray(panel), (left, 0))
        box = draw.textbbox((0, 0), name, font_size=size)
        pad = size * 0.45
        corner = (left, height - size - 2 * pad, left + box[2] + 2 * pad, height)
        draw.rectangle(corner, fill=GROUND)
        write(draw, (left + pad, height - pad), name, size, INK, "ld")
        left += panel.shape[1] + gap
    return np.asarray(image)
