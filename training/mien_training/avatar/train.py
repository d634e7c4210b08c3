"""`mien train avatar`: a person's rig and the film that made it in, their photoreal head out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
import torch
import tyro
from rich.console import Console

from mien.atomic import write_atomically
from mien.consent import CONSENT_KINDS, Consent
from mien.errors import InputError
from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.avatar_report import write_avatar_report
from mien_training.avatar.bake.linear_bake import BakeConfig
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.even_frames import even_frames
from mien_training.avatar.film.film_advice import film_advice
from mien_training.avatar.film.mesh_masks import MeshMasks, mesh_masks
from mien_training.avatar.film.read_film import face_px, read_film
from mien_training.avatar.judge import Draw, psnr_by_region
from mien_training.avatar.learn_splats import SPLATS, UNBAKED, learn_splats, probe_splats
from mien_training.avatar.learn_volume import VOLUME, learn_volume, probe_volume
from mien_training.avatar.learnt import Learnt
from mien_training.avatar.mattes.film_mattes import matted
from mien_training.avatar.splats.train_splats import SplatsConfig
from mien_training.avatar.step_budget import steps_for
from mien_training.avatar.textured_mesh import TexturedMesh, mean_image
from mien_training.avatar.volume.volume_config import VolumeConfig
from mien_training.footage.own_footage import own_footage
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.content_key import content_digest, file_digest, template_digest
from mien_training.runs.device import check_device_name, choose_device, device_name
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import ProgressBars, Report
from mien_training.runs.run_folder import claim_inputs, claimed_folder, plain_config, told_config
from mien_training.templates.person import read_person

__all__ = ["TrainAvatarConfig", "run", "train_avatar"]

Kind = Literal["splats", "volume", "both"]
_NOT_OF_THE_RESULT = ("out", "device")
_NOT_LEARNT_FROM = (*_NOT_OF_THE_RESULT, "consent", "consent_statement", "bake", "show_frames")
"""May change after the training, which then stays: what follows it is done anew."""
_MOST_MINUTES = 60 * 24 * 31
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
    """Video or folder of images, one per frame of the film, white where the head is; of cut-out
    images (with alpha) what is opaque. Found if left out, by what a still camera sees behind the
    head, else by a net."""
    kind: Kind = "splats"
    """What is learnt: splats, Gaussians that engines and browsers draw in real time; volume,
    MonoAvatar's radiance field, for pictures; or both, side by side."""
    minutes: float | None = None
    """How long each kind is learnt on this machine, about, in place of its steps: a few are
    measured first."""
    splats: SplatsConfig = field(default_factory=SplatsConfig)
    """The Gaussians and their training."""
    volume: VolumeConfig = field(default_factory=VolumeConfig)
    """The radiance field and its training."""
    bake: BakeConfig = field(default_factory=BakeConfig)
    """How the network becomes linear for engines."""
    consent: str | None = None
    """Why pictures of this person may be made: self, given, public or synthetic; needed for
    `mien export`. May be told later: the same command with it trains nothing anew."""
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
        if self.kind not in get_args(Kind):
            raise InputError(
                f"--kind is {self.kind!r}, expected one of {', '.join(get_args(Kind))}"
            )
        if self.minutes is not None and not 0 < self.minutes < _MOST_MINUTES:
            raise InputError(f"--minutes is {self.minutes:g}, expected above 0, below a month")
        if self.kind != SPLATS and (self.volume.anchoring != "nearest" or not self.volume.posed):
            raise InputError(
                "--volume: only anchoring `nearest`, posed, can be packed; the others are there to "
                "be compared with"
            )
        check_device_name(self.device)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is learnt, in order."""
        return (SPLATS, VOLUME) if self.kind == "both" else (self.kind,)


def run(config: TrainAvatarConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = train_avatar(config)
    held = metrics["held_out"]
    ways = (*config.kinds, "textured mesh")
    told = ", ".join(f"{way} {held[way]['head']:.1f} dB" for way in ways)
    Console(stderr=True).print(
        f"{config.out}: frames that were held out: {told}; see {config.out / 'report.html'}"
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
    with claimed_folder(config.out, config, _NOT_LEARNT_FROM):
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
        **({} if config.mattes is None else {"mattes": file_digest(config.mattes)}),
    }
    claim_inputs(config.out, inputs)
    with ProgressBars(quiet, also=report) as bars:
        bars.say(f"learning on {device_name(device)}")
        film, crops = read_film(person, own, config.size, bars)
        masks = mesh_masks(film, bars)
        film, mattes = matted(film, crops, masks, config.mattes, bars)
        bars.say("laying out the anchors")
        atlas = AnchorAtlas.of(person)
        learnt = _learnt(config, film, atlas, masks, inputs, bars, device)
        bars.say("judging held-out frames")
        figures = _figures(film, atlas, learnt, masks)
    metrics: dict[str, Any] = {
        "frames": len(film), "held_out_frames": len(film.held_out),
        "face_px": face_px(person, film.K, film.camera_from_rig),
        "mattes": mattes, "advice": list(film_advice(film)), "held_out": figures,
        **{each.kind: dict(each.metrics) for each in learnt},
        "config": told_config(config, _NOT_OF_THE_RESULT), "inputs": inputs,
        "device": device_name(device),
        "versions": {name: version(name) for name in ("mien", "torch", "warp-lang", "numpy")},
    }  # fmt: skip
    if UNBAKED in figures:
        loss_db = figures[UNBAKED]["head"] - figures[SPLATS]["head"]
        metrics[SPLATS]["bake_loss_db"] = loss_db
    draws = {each.kind: each.ways[each.kind] for each in learnt}
    write_avatar_report(config.out, film, draws, metrics, config.show_frames)
    write_atomically(config.out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    for each in reversed(learnt):
        each.write(config.out, consent, metrics)
    return metrics


def _learnt(
    config: TrainAvatarConfig, film: AvatarFilm, atlas: AnchorAtlas, masks: MeshMasks,
    inputs: dict[str, str], bars: ProgressBars, device: torch.device,
) -> list[Learnt]:  # fmt: skip
    """Every kind after its training, each with a checkpoint of its own."""
    looked_at = torch.from_numpy(masks.looked_at.astype(np.float32))
    origin = {**inputs, **plain_config(config, _NOT_LEARNT_FROM)}
    found = []
    for kind in config.kinds:
        splats, volume = config.splats, config.volume
        if config.minutes is not None:
            bars.say(f"measuring how long a step of the {kind} takes")
            probe = (
                partial(probe_splats, film, atlas, splats, looked_at, device)
                if kind == SPLATS
                else partial(probe_volume, film, atlas, volume, looked_at, device)
            )
            steps = steps_for(config.out / "steps.json", kind, config.minutes, probe)
            splats, volume = replace(splats, steps=steps), replace(volume, steps=steps)
        steps = splats.steps if kind == SPLATS else volume.step_count
        kept = Checkpoint(config.out / f"checkpoint_{kind}.pt", {**origin, "all steps": steps})
        found.append(
            learn_splats(film, atlas, splats, config.bake, looked_at, kept, bars, device)
            if kind == SPLATS
            else learn_volume(film, atlas, volume, looked_at, kept, bars, device)
        )
    return found


def _figures(
    film: AvatarFilm, atlas: AnchorAtlas, learnt: Sequence[Learnt], masks: MeshMasks
) -> dict[str, dict[str, float]]:
    """By way of drawing, then by region."""
    held_out = list(film.held_out)
    frames = [held_out[i] for i in even_frames(len(held_out), _TABLED)]
    regions = {"head": masks.covered, "looked at": masks.looked_at, "mouth": masks.mouth}
    if film.alpha is not None:
        regions["beyond the mesh"] = (film.alpha > 127) & ~masks.covered
    mesh = TexturedMesh(film, atlas)
    mean = mean_image(film)
    ways: dict[str, Draw] = {name: draw for each in learnt for name, draw in each.ways.items()}
    ways |= {"textured mesh": mesh.draw, "mean image": lambda frame: mean}
    return {name: psnr_by_region(film, regions, frames, draw) for name, draw in ways.items()}
