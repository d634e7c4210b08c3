"""Frames of the footage that the rig was fitted to, posed as the fit found them.

The fit has seen every pixel of them and all their neighbours in time; points alone, frame by frame,
know less of where a head is.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.detail.fit.posed_frames import LEAST_FACE_PX, PosedFrames, most_different
from mien_training.footage.face_crop import read_crops
from mien_training.footage.own_footage import OwnFootage
from mien_training.footage.rig_performance import RigPerformance
from mien_training.head import Template
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["performed_frames"]


def performed_frames(
    person: Template, own: OwnFootage, size: int, most: int, report: Report = silent,
) -> PosedFrames:  # fmt: skip
    """At most `most` frames that differ most in expression and turn towards their cameras, none of
    them lost, as squares of `size` pixels.

    Raises InputError for a performance of other shapes than the person's, for one without usable
    frames, for faces below 128 pixels, and for files that cannot be read.
    """
    performance = own.performance
    if performance.shape_names != person.shape_names:
        raise InputError(
            f"the performance's {len(performance.shape_names)} shapes are not the "
            f"{len(person.shape_names)} of {person.name!r}, in that order"
        )
    names = [camera.source for camera in performance.cameras]
    usable = performance.usable
    if not len(usable):
        raise InputError(
            f"{', '.join(names)}: the rig's fit lost every frame, expected some that hold"
        )
    face_px = float(np.median(performance.face_px[usable])) * size / performance.size
    if face_px < LEAST_FACE_PX:
        raise InputError(
            f"{', '.join(names)}: the face is {face_px:.0f} pixels large, expected at least "
            f"{LEAST_FACE_PX}: come closer to the camera, or give a larger --size"
        )
    misfit = performance.points_px / performance.face_px
    weights, turns = performance.weights[usable], _turns(performance)[usable]
    rows = usable[most_different(weights, turns, misfit[usable], most)]
    rows = rows[np.lexsort((performance.frame[rows], performance.camera[rows]))]
    images = []
    for c, (camera, path) in enumerate(zip(performance.cameras, own.sources, strict=True)):
        frames = performance.frame[rows[performance.camera[rows] == c]].tolist()
        if frames:
            images.append(read_crops(path, camera.crop, frames, size)[0])
        report(Progress("reading the frames", c + 1, len(own.sources)))
    return PosedFrames(
        torch.from_numpy(np.concatenate(images)),
        CameraBatch.of([camera.crop.view(size) for camera in performance.cameras]),
        torch.from_numpy(performance.camera[rows]),
        torch.from_numpy(performance.posed(person, rows)),
        performance.weights[rows],
        float(np.median(misfit[usable])),
    )


def _turns(performance: RigPerformance) -> NDArray[np.float64]:
    """(T, 9) rotations of camera_from_rig: what several cameras see of one moment differs."""
    cameras = [camera.crop.camera.camera_from_world for camera in performance.cameras]
    world_from_rig = performance.world_from_rig(np.arange(len(performance.camera)))
    seen = np.stack(cameras)[performance.camera, :3, :3] @ world_from_rig[:, :3, :3]
    return seen.reshape(-1, 9)
