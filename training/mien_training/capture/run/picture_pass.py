"""The take's pictures a second time, once the best moments are known: texture and report."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.capture.report.moment_tiles import MomentTiles, front_camera
from mien_training.capture.report.telling_moments import (
    moments_over_time,
    telling_moments,
    textured_moments,
)
from mien_training.capture.report.write_report import ReportPictures
from mien_training.capture.take import MultiViewTake
from mien_training.footage.captured import CapturedMeshes
from mien_training.head import Template
from mien_training.rendering.texture.observed_texture import ObservedTexture
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["picture_pass"]


def picture_pass(
    take: MultiViewTake,
    meshes: CapturedMeshes,
    template: Template,
    texture_side: int,
    show_frames: bool,
    report: Report = silent,
) -> tuple[ReportPictures, NDArray[np.uint8] | None]:
    """What the report shows, and the skin's texture (S, S, 3), None for a side of 0.

    A film is decoded up to the last of the chosen moments; pictures of one moment are held.
    """
    telling, over_time = telling_moments(meshes), moments_over_time(meshes)
    textured = textured_moments(meshes) if texture_side else []
    texture = ObservedTexture(template, texture_side) if texture_side else None
    tiles = MomentTiles(template, show_pictures=show_frames)
    wanted = sorted({*telling.values(), *over_time, *textured})
    first_good = int(meshes.good.argmax())
    front = front_camera(take.cameras, meshes.world_from_head[first_good])
    shown, strip = {}, []
    for done, moment in enumerate(take.moments(wanted)):
        n, images, cameras = moment.number, moment.images, take.cameras
        vertices, pose = meshes.vertices[n], meshes.world_from_head[n]
        if n in telling.values():
            shown[n] = tiles.row(images, cameras, vertices, pose)
        if n in over_time:
            one = slice(front, front + 1)
            strip.append((n, tiles.row(images[one], cameras[one], vertices, pose)[0]))
        if texture is not None and n in textured:
            texture.add(images, cameras, vertices, meshes.confidence[n].astype(np.float32))
        report(Progress("texture and report", done + 1, len(wanted)))
        del moment, images  # the next one is read before these names are bound again
    pictures = ReportPictures({name: (n, shown[n]) for name, n in telling.items()}, strip)
    return pictures, None if texture is None else texture.image()
