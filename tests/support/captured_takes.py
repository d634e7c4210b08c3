"""Takes of pictures that say which moment they show, and a predictor that reads it from them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.cameras import Camera, look_at_camera, project
from mien_training.cameras.calibration import calibration_json
from mien_training.capture.moment_result import MomentResult
from mien_training.footage.captured import MomentSightings
from mien_training.head import Template

SIDE = 24
NAMES = ("left", "middle", "right")


def ring_of_cameras(count: int = 3, side: int = SIDE) -> list[Camera]:
    """Side by side, a metre away, looking at the origin."""
    angles = np.linspace(-0.6, 0.6, count)
    return [
        look_at_camera((np.sin(a), 0.1, np.cos(a)), (0, 0, 0), 0.35, side, side) for a in angles
    ]


def write_take(
    folder: Path, moments: int, names: Sequence[str] = NAMES, first: int = 0
) -> tuple[Path, Path]:
    """A folder of pictures for each camera, whose brightness is the moment, and the calibration."""
    pictures = folder / "take"
    for camera, name in enumerate(names):
        (pictures / name).mkdir(parents=True)
        for n in range(moments):
            image = np.full((SIDE, SIDE, 3), (n + first, camera, 100), np.uint8)
            Image.fromarray(image).save(pictures / name / f"shot2_{n + first:04d}.png")
    calibration = folder / "cameras.json"
    cameras = dict(zip(names, ring_of_cameras(len(names)), strict=True))
    calibration.write_bytes(calibration_json(cameras, 1.0))
    return pictures, calibration


@dataclass
class CodedPredictor:
    """The template, moved and dented by the moment that the first picture codes."""

    template: Template
    failing: Collection[int] = ()
    """Moments in which the prediction is a failure."""
    refused: Collection[int] = ()
    """Moments in which nothing is seen."""
    ending: int | None = None
    """Moment at which the user interrupts."""
    digest: str = "0" * 64
    starts: dict[int, bool] = field(default_factory=dict)
    """Moment -> whether it was told a pose to start from."""

    def predict(
        self, images: Sequence[np.ndarray], cameras: Sequence[Camera], start: np.ndarray | None
    ) -> MomentResult:
        code = int(images[0][0, 0, 0])
        assert [int(image[0, 0, 1]) for image in images] == list(range(len(cameras)))
        self.starts[code] = start is not None
        if code == self.ending:
            raise KeyboardInterrupt
        if code in self.refused:
            raise InputError("two cameras must see a head")
        rng = np.random.default_rng(code)
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_euler("xyz", rng.normal(0, 0.1, 3)).as_matrix()
        pose[:3, 3] = rng.normal(0, 0.005, 3)
        if start is not None:  # what follows from the moment before must survive an interruption
            pose[:3, 3] += 0.1 * start[:3, 3]
        below = self.template.vertices[:, 1] < 0
        head = self.template.vertices + (code % 5) * np.outer(below, (0, 0.002, 0))
        count = len(head)
        placed = (head @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32)
        return MomentResult(
            vertices=placed,
            world_from_head=pose,
            confidence=np.linspace(0.2, 1, count, dtype=np.float32),
            views=np.full(count, len(cameras), np.uint8),
            spread_m=np.full(count, 1e-3, np.float32),
            sightings=seen_aside(cameras, placed, (0.5, -0.2)),
            failure="the rays do not agree" if code in self.failing else "",
        )


def seen_aside(cameras, placed, off_px):
    """Sightings of every tenth vertex, each seen so far from where the mesh (V, 3) has it that
    predicted minus seen is `off_px`."""
    vertex = np.arange(0, len(placed), 10, dtype=np.int32)
    parts = []
    for c, camera in enumerate(cameras):
        pixels = project(camera, placed[vertex])[0] - off_px
        parts.append(
            MomentSightings(
                np.full(len(vertex), c, np.int32), vertex, pixels.astype(np.float32),
                placed[vertex], np.ones(len(vertex), np.float32),
            )
        )  # fmt: skip
    return MomentSightings.join(parts)
