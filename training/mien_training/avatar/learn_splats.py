"""Gaussians learnt from a film, baked for engines, and left for `mien export`."""

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
from mien_exporters.avatar.avatar_run import AvatarRun, eight_bit_maps, merge_mean, write_avatar_run
from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.bake.linear_bake import BakeConfig, LinearBake, bake
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.even_frames import even_frames
from mien_training.avatar.judge import Draw
from mien_training.avatar.learnt import Learnt, cost, provenance
from mien_training.avatar.splats.splat_head import Cloud
from mien_training.avatar.splats.train_splats import SplatAvatar, SplatsConfig, train_splats
from mien_training.avatar.step_budget import PROBED
from mien_training.head import rig_from_template, rig_vertex_of_template
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import ProgressBars, Report

__all__ = ["SPLATS", "UNBAKED", "learn_splats", "probe_splats"]

SPLATS, UNBAKED = "splats", "splats unbaked"
"""What engines show, and what was learnt."""
_MOST_FRAMES = 32
"""That bounds are found from."""


def probe_splats(
    film: AvatarFilm, atlas: AnchorAtlas, config: SplatsConfig, looked_at: Tensor,
    device: torch.device, report: Report,
) -> None:  # fmt: skip
    """A few steps as dear as those of a whole training, for `steps_for`; nothing of them stays."""
    few = replace(config, steps=PROBED, correction_from=0.0)
    train_splats(film, atlas, few, looked_at, None, report, device)


def learn_splats(
    film: AvatarFilm, atlas: AnchorAtlas, config: SplatsConfig, bake_config: BakeConfig,
    looked_at: Tensor, checkpoint: Checkpoint, bars: ProgressBars, device: torch.device,
) -> Learnt:  # fmt: skip
    """As `train_splats`; what it draws is drawn there too."""
    avatar, _, trained = train_splats(film, atlas, config, looked_at, checkpoint, bars, device)
    linear = bake(avatar, film, bake_config, config.seed, bars)
    # Judged as it is packed: rounding is a part of what the bake loses.
    linear = replace(linear, maps=eight_bit_maps(linear.maps)[2])

    def unbaked(frame: int) -> NDArray[np.float32]:
        with torch.no_grad():
            seen = film.vertices([frame]).to(device), film.codes([frame]).to(device)
            return _image(avatar(*seen), film, frame)

    def write(folder: Path, consent: Consent | None, metrics: Mapping[str, Any]) -> None:
        write_avatar_run(folder, _run_of(film, atlas, avatar.cpu(), linear, consent, metrics))

    return Learnt(
        SPLATS,
        {SPLATS: _baked(avatar, linear, film, device), UNBAKED: unbaked},
        {"gaussians": len(avatar.head.anchor), "bake_unexplained": linear.unexplained,
         **cost(trained, config.steps, config.seed)},
        write,
    )  # fmt: skip


def _baked(avatar: SplatAvatar, linear: LinearBake, film: AvatarFilm, device: torch.device) -> Draw:
    """What engines will show."""

    def draw(frame: int) -> NDArray[np.float32]:
        with torch.no_grad():
            changes = avatar.head.anchors.image(linear.changes(film.codes([frame])).to(device))
            return _image(avatar.head(film.vertices([frame]).to(device), changes), film, frame)

    return draw


def _image(cloud: Cloud, film: AvatarFilm, frame: int) -> NDArray[np.float32]:
    return np.asarray(cloud.image(film.camera(frame), film.side).cpu().numpy(), np.float32)


def _run_of(
    film: AvatarFilm, atlas: AnchorAtlas, avatar: SplatAvatar, linear: LinearBake,
    consent: Consent | None, metrics: Mapping[str, Any],
) -> AvatarRun:  # fmt: skip
    """On the vertices of the rig that the character will have."""
    person = film.person
    rig, source = rig_from_template(person, person.name)
    first = rig_vertex_of_template(source, len(person.vertices))
    head = avatar.head
    anchor, lift = head.anchor.numpy().astype(np.int32), head.lift_m.numpy()
    parts = (head.place, head.turn, head.size_log, head.opacity[:, None], head.colour)
    static = torch.cat(parts, 1).detach().numpy()
    centres = []
    with torch.no_grad():
        for frame in even_frames(film.training, _MOST_FRAMES):
            changes = head.anchors.image(linear.changes(film.codes([frame])))
            centres.append(head(film.vertices([frame]), changes).means[0].numpy())
    low = np.min([c.min(0) for c in centres], 0)
    high = np.max([c.max(0) for c in centres], 0)
    margin = 0.1 * (high - low)
    return AvatarRun(
        name=person.name, anchors=atlas.anchors(head.size).for_rig(first, len(rig.vertices)),
        anchor=anchor, lift_m=lift, spacing_m=head.spacing_m.numpy()[anchor],
        static=merge_mean(static, linear.mean, anchor, lift), maps=linear.maps,
        layers=linear.layers, channel_names=person.shape_names, vertices=rig.vertices,
        bounds_m=np.stack([low - margin, high + margin]).astype(np.float32),
        bake_loss_db=metrics[SPLATS]["bake_loss_db"], consent=consent,
        metrics={"held_out": metrics["held_out"]},
        provenance=provenance(SPLATS, metrics),
    )  # fmt: skip
