"""Factory moments as a take on disk, and a predictor that knows the truth of every picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mien_training.cameras import Camera, project
from mien_training.cameras.calibration import calibration_json
from mien_training.capture.moment_result import MomentResult
from mien_training.footage.captured import MomentSightings
from mien_training.head import Template
from mien_training.synthetic.capture import CaptureMoment


def write_moments(folder: Path, moments: Sequence[CaptureMoment]) -> tuple[Path, Path]:
    """A folder of pictures for each camera of the one rig, and what is believed of the cameras."""
    believed = moments[0].believed
    names = [f"cam{c}" for c in range(len(believed))]
    for c, name in enumerate(names):
        (folder / "take" / name).mkdir(parents=True)
        for n, moment in enumerate(moments):
            Image.fromarray(moment.images[c]).save(folder / "take" / name / f"{n:04d}.png")
    (folder / "cameras.json").write_bytes(
        calibration_json(dict(zip(names, believed, strict=True)), 1.0)
    )
    return folder / "take", folder / "cameras.json"


@dataclass
class TruthPredictor:
    """The true mesh with smooth noise; finds the moment by its first picture."""

    template: Template
    moments: Sequence[CaptureMoment]
    noise_m: float = 1e-3
    digest: str = "2" * 64

    def predict(
        self, images: Sequence[np.ndarray], cameras: Sequence[Camera], start: np.ndarray | None
    ) -> MomentResult:
        moment = next(m for m in self.moments if np.array_equal(m.images[0], images[0]))
        rng = np.random.default_rng(moment.seed)
        wave = np.sin(moment.vertices @ rng.normal(0, 60, (3, 3)))
        views = moment.visible.sum(0)
        mesh = (moment.vertices + self.noise_m * wave).astype(np.float32)
        parts = []
        for c, true in enumerate(moment.cameras):
            seen = np.flatnonzero(moment.visible[c])[::200].astype(np.int32)
            pixels = project(true, moment.vertices[seen])[0].astype(np.float32)
            sure = np.ones(len(seen), np.float32)
            index = np.full(len(seen), c, np.int32)
            parts.append(MomentSightings(index, seen, pixels, mesh[seen], sure))
        return MomentResult(
            vertices=mesh,
            world_from_head=moment.world_from_head,
            confidence=(views / len(cameras)).clip(0.05, 1).astype(np.float32),
            views=views.astype(np.uint8),
            spread_m=(self.noise_m * (1 + (views == 0))).astype(np.float32),
            sightings=MomentSightings.join(parts),
        )
