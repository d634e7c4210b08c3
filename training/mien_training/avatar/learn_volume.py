"""A volume learnt from a film, and left for `mien export`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.consent import Consent
from mien_exporters.avatar.volume.volume_run import write_volume_run
from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.learnt import Learnt, cost, provenance
from mien_training.avatar.step_budget import PROBED
from mien_training.avatar.volume.train_volume import keeps_rays, train_volume
from mien_training.avatar.volume.volume_config import VolumeConfig
from mien_training.avatar.volume.volume_run import volume_run
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import ProgressBars, Report

__all__ = ["VOLUME", "learn_volume", "probe_volume"]

VOLUME = "volume"
_PROBED_FRAMES = 3


def probe_volume(
    film: AvatarFilm, atlas: AnchorAtlas, config: VolumeConfig, looked_at: Tensor,
    device: torch.device, report: Report,
) -> None:  # fmt: skip
    """A few steps as dear as those of a whole training, for `steps_for`; nothing of them stays."""
    few = replace(config, steps=PROBED, warp_from=0.0)
    if keeps_rays(film):
        # A long training finds every frame's rays once: so must these steps, while they warm up.
        film = replace(film, training=min(film.training, _PROBED_FRAMES))
    train_volume(film, atlas, few, looked_at, None, report, device)


def learn_volume(
    film: AvatarFilm, atlas: AnchorAtlas, config: VolumeConfig, looked_at: Tensor,
    checkpoint: Checkpoint, bars: ProgressBars, device: torch.device,
) -> Learnt:  # fmt: skip
    """As `train_volume`; what it draws is drawn there too."""
    avatar, _, trained = train_volume(film, atlas, config, looked_at, checkpoint, bars, device)

    def draw(frame: int) -> NDArray[np.float32]:
        moved = film.vertices([frame]).to(device), film.codes([frame]).to(device)
        image = avatar.image(*moved, film.camera(frame), film.side)
        return np.asarray(image.cpu().numpy(), np.float32)

    def write(folder: Path, consent: Consent | None, metrics: Mapping[str, Any]) -> None:
        origin = provenance(VOLUME, metrics)
        told = {"held_out": metrics["held_out"]}
        write_volume_run(folder, volume_run(film, atlas, avatar.cpu(), consent, told, origin))

    sizes = config.sizes
    return Learnt(
        VOLUME,
        {VOLUME: draw},
        {
            "size": config.size,
            "samples": list(sizes.samples),
            **cost(trained, config.step_count, config.seed),
        },
        write,
    )  # fmt: skip
