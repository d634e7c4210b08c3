"""`mien train avatar`: a person's rig and the film that made it in, their photoreal head out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from rich.console import Console

from mien.atomic import write_atomically
from mien.consent import CONSENT_KINDS, Consent
from mien.errors import InputError
from mien_exporters.avatar.avatar_run import AvatarRun, merge_mean, write_avatar_run
from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.avatar_report import write_avatar_report
from mien_training.avatar.bake.linear_bake import BakeConfig, LinearBake, bake
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.mesh_masks import MeshMasks, mesh_masks
from mien_training.avatar.film.read_film import read_film
from mien_training.avatar.judge import Draw, psnr_by_region
from mien_training.avatar.mattes.film_mattes import matted
from mien_training.avatar.splats.splat_head import Cloud
from mien_training.avatar.splats.train_splats import SplatAvatar, SplatsConfig, train_splats
from mien_training.avatar.textured_mesh import TexturedMesh, mean_image
from mien_training.footage.own_footage import own_footage
from mien_training.head import Template, rig_from_template
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.content_key import content_digest, template_digest
from mien_training.runs.device import check_device_name, choose_device, device_name
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import ProgressBars, Report
from mien_training.runs.run_folder import claim_inputs, claimed_folder, plain_config
from mien_training.templates.person import read_person

__all__ = ["TrainAvatarConfig", "run", "train_avatar"]

_NOT_OF_THE_RESULT = ("out", "device")
_TABLED = 40
"""Held-out frames that figures are of, at most."""


@dataclass(frozen=True)
class TrainAvatarConfig:
    """Learn a person's look, with hair, wrinkles, mouth and eyes, from the film of their rig."""

    rig: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished `mien train rig` of a video of this person."""
    out: Path = Path("avatar")
    """Folder of the run."""
    size: int = 192
    """Side of the square images of the head, pixels."""
    mattes: Path | None = None
    """Video or folder of images, one per frame of the film, white where the head is; found if left
    out, by what a still camera sees behind the head, else by a net."""
    splats: SplatsConfig = field(default_factory=SplatsConfig)
    """The Gaussians and their training."""
    bake: BakeConfig = field(default_factory=BakeConfig)
    """How the network becomes linear for engines."""
    consent: str | None = None
    """Why pictures of this person may be made: self, given, public or synthetic; needed for
    `mien export`."""
    consent_statement: str = ""
    """Who is shown and what they agreed to, in words."""
    device: str = "auto"
    """Where it is learnt: cpu, cuda, cuda:N, or auto."""
    show_frames: bool = True
    """False keeps every pixel of the film out of the report."""

    def __post_init__(self) -> None:
        if not 64 <= self.size <= 1024:
            raise InputError(f"size is {self.size}, expected 64 to 1024")
        if self.consent not in (None, *CONSENT_KINDS):
            raise InputError(
                f"--consent is {self.consent!r}, expected one of {', '.join(CONSENT_KINDS)}"
            )
        if (self.consent is None) != (not self.consent_statement.strip()):
            raise InputError("--consent and --consent-statement: give both or neither")
        check_device_name(self.device)


def run(config: TrainAvatarConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = train_avatar(config)
    ours, mesh = (metrics["held_out"][name]["head"] for name in ("avatar", "textured mesh"))
    Console(stderr=True).print(
        f"{config.out}: {metrics['gaussians']} Gaussians; frames that were held out {ours:.1f} dB, "
        f"textured mesh {mesh:.1f} dB; see {config.out / 'report.html'}"
    )
    return 0


def train_avatar(
    config: TrainAvatarConfig, quiet: bool = False, report: Report | None = None
) -> dict[str, Any]:
    """Run every step; returns the metrics that also go to metrics.json.

    Raises InputError for a rig run without performance, a film that has changed, fewer than 60
    frames with a face, a face below 64 pixels, and mattes that do not fit; all of it before any
    training.
    """
    consent = None
    if config.consent is not None:
        consent = Consent(config.consent, config.consent_statement)
    device = choose_device(config.device)
    with claimed_folder(config.out, config, _NOT_OF_THE_RESULT):
        return _train(config, consent, device, quiet, report)


def _train(
    config: TrainAvatarConfig, consent: Consent | None, device: torch.device, quiet: bool,
    report: Report | None,
) -> dict[str, Any]:  # fmt: skip
    person, _ = read_person(config.rig)
    own = own_footage(config.rig)
    inputs = {
        "rig": template_digest(person),
        "performance": content_digest(own.performance),
        **{f"footage {c.source}": c.sha256 for c in own.performance.cameras},
    }
    claim_inputs(config.out, inputs)
    with ProgressBars(quiet, also=report) as bars:
        bars.say(f"learning on {device_name(device)}")
        film, crops = read_film(person, own, config.size, bars)
        masks = mesh_masks(film, bars)
        film, mattes = matted(film, crops, masks, config.mattes, bars)
        bars.say("laying out the anchors")
        atlas = AnchorAtlas.of(person)
        looked_at = torch.from_numpy(masks.looked_at.astype(np.float32))
        origin = {**inputs, **plain_config(config, _NOT_OF_THE_RESULT)}
        avatar, _, trained = train_splats(
            film, atlas, config.splats, looked_at, Checkpoint(config.out / "checkpoint.pt", origin),
            bars, device,
        )  # fmt: skip
        avatar = avatar.cpu()
        linear = bake(avatar, film, config.bake, config.splats.seed, bars)
        bars.say("judging held-out frames")
        figures = _figures(film, atlas, avatar, linear, masks)
    loss_db = figures["network"]["head"] - figures["avatar"]["head"]
    metrics: dict[str, Any] = {
        "frames": len(film), "held_out_frames": len(film.held_out),
        "mattes": mattes, "gaussians": len(avatar.head.anchor), "held_out": figures,
        "bake_loss_db": loss_db, "bake_unexplained": linear.unexplained,
        "config": plain_config(config, _NOT_OF_THE_RESULT), "inputs": inputs,
        "device": device_name(device), "seed": config.splats.seed,
        "versions": {name: version(name) for name in ("mien", "torch", "warp-lang", "numpy")},
        "history": list(trained.history),
    }  # fmt: skip
    write_avatar_report(config.out, film, _baked(avatar, linear, film), metrics, config.show_frames)
    write_atomically(config.out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    write_avatar_run(config.out, _run_of(person, film, atlas, avatar, linear, consent, metrics))
    return metrics


def _figures(
    film: AvatarFilm, atlas: AnchorAtlas, avatar: SplatAvatar, linear: LinearBake, masks: MeshMasks
) -> dict[str, dict[str, float]]:
    """By way of drawing, then by region."""
    frames = list(film.held_out)
    frames = frames[:: max(1, len(frames) // _TABLED)]
    regions = {"head": masks.covered, "looked at": masks.looked_at, "mouth": masks.mouth}
    if film.alpha is not None:
        regions["beyond the mesh"] = (film.alpha > 127) & ~masks.covered
    mesh = TexturedMesh(film, atlas)
    mean = mean_image(film)

    def network(frame: int) -> NDArray[np.float32]:
        with torch.no_grad():
            return _image(avatar(film.vertices([frame]), film.codes([frame])), film, frame)

    ways: dict[str, Draw] = {
        "avatar": _baked(avatar, linear, film), "network": network, "textured mesh": mesh.draw,
        "mean image": lambda frame: mean,
    }  # fmt: skip
    return {name: psnr_by_region(film, regions, frames, draw) for name, draw in ways.items()}


def _baked(avatar: SplatAvatar, linear: LinearBake, film: AvatarFilm) -> Draw:
    """What engines will show."""

    def draw(frame: int) -> NDArray[np.float32]:
        with torch.no_grad():
            changes = avatar.head.anchors.image(linear.changes(film.codes([frame])))
            return _image(avatar.head(film.vertices([frame]), changes), film, frame)

    return draw


def _image(cloud: Cloud, film: AvatarFilm, frame: int) -> NDArray[np.float32]:
    return np.asarray(cloud.image(film.camera(frame), film.side).numpy(), np.float32)


def _run_of(
    person: Template, film: AvatarFilm, atlas: AnchorAtlas, avatar: SplatAvatar,
    linear: LinearBake, consent: Consent | None, metrics: dict[str, Any],
) -> AvatarRun:  # fmt: skip
    """What `mien export` reads, on the vertices of the rig that the character will have."""
    rig, source = rig_from_template(person, person.name)
    first = np.full(len(person.vertices), -1, np.int32)
    first[source[::-1]] = np.arange(len(source), dtype=np.int32)[::-1]
    head = avatar.head
    anchor, lift = head.anchor.numpy().astype(np.int32), head.lift_m.numpy()
    parts = (head.place, head.turn, head.size_log, head.opacity[:, None], head.colour)
    static = torch.cat(parts, 1).detach().numpy()
    centres = []
    with torch.no_grad():
        for frame in range(0, film.training, max(1, film.training // 32)):
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
        bake_loss_db=metrics["bake_loss_db"], consent=consent,
        metrics={"held_out": metrics["held_out"]},
        provenance={k: metrics[k] for k in ("config", "versions", "seed", "inputs")},
    )  # fmt: skip
