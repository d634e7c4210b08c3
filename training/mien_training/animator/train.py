"""`mien train animator`: build the character, perform, render, track, fit, export the graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from mien.atomic import write_atomically
from mien.clip import Clip
from mien.errors import InputError
from mien.manifest import Consent
from mien.rig import Material
from mien_exporters.animator_onnx import animator_onnx
from mien_exporters.run_folder import AnimatorRun, write_animator_run
from mien_training.animator.dataset import OTHERS_SHARE, SceneJob, make_recordings, plan_jobs
from mien_training.animator.motion_loss import motion_gram, moving_vertices, vertex_error_mm
from mien_training.animator.training_loop import FitConfig, MotionCost, fit
from mien_training.animator.training_set import columns_of, network_input, split_recordings
from mien_training.head import Template, rig_from_template
from mien_training.rendering import RENDERING_VERSION
from mien_training.rendering.paint import Look, paint_materials
from mien_training.rendering.preview import portrait_png
from mien_training.runs.content_key import (
    clip_digest,
    materials_digest,
    template_digest,
    tracker_digest,
)
from mien_training.runs.device import check_device_name, choose_device, device_name
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import ProgressBars, Report
from mien_training.runs.run_folder import claim_inputs, claimed_folder, told_config
from mien_training.templates import load_template
from mien_training.templates.person import TEMPLATE_FILE, read_person

__all__ = ["TrainAnimatorConfig", "character_of", "run", "train_animator"]

_CLIP_ROWS = 150
_NOT_OF_THE_RESULT = ("out", "workers", "device")
_GENERATED = "The head is generated; it shows no real person."


@dataclass(frozen=True)
class TrainAnimatorConfig:
    """Make a character from a template head and train the animator that drives it."""

    out: Path = Path("run")
    """Folder of the run: recordings, checkpoint, weights, metrics, and what `export` needs."""
    name: str | None = None
    """The character's name; left out, the rig's, or mien."""
    template: str = "anny"
    """The head to start from: anny, a folder of ICT-FaceKit's OBJ files, a .glb, .gltf or .vrm
    file, or a .json description of one (docs/own-head.md)."""
    rig: Path | None = None
    """Folder of a `mien train rig`: the character is that person, with their own skin."""
    consent: Literal["synthetic", "self", "given", "public"] = "synthetic"
    """Why this face may be used; a recorded person's is their own (self), given, or public."""
    consent_statement: str | None = None
    """The same in a sentence, for the package: who is shown, and what they agreed to."""
    identity_seed: int | None = None
    """Whose head: a number draws a person; left out, the template's own."""
    look_seed: int | None = None
    """Skin, eyes and brows: a number draws them; left out, the default look."""
    frames: int = 8000
    """Rendered and tracked pairs to train on."""
    clips: tuple[Path, ...] = ()
    """Recordings (.csv, .npz) that the character performs besides the generated ones."""
    features: tuple[str, ...] = ("scores", "landmarks", "deep", "deep_map", "head_rotation")
    """Feature groups that the animator reads."""
    validation_share: float = 0.1
    """Share of the recordings that is held out to choose the best step."""
    workers: int | None = None
    """Rendering processes; one per core if left out."""
    device: str = "auto"
    """Where the network learns: cpu, cuda, cuda:N, or auto: a CUDA device if there is one."""
    fit: FitConfig = field(default_factory=FitConfig)
    """The optimisation."""
    seed: int = 1
    """Draws performances and scenes."""

    def __post_init__(self) -> None:
        seeds = [s for s in (self.seed, self.identity_seed, self.look_seed) if s is not None]
        if self.frames < 1 or min(seeds) < 0 or (self.workers is not None and self.workers < 1):
            raise InputError(
                f"train animator: frames {self.frames}, workers {self.workers}, seeds {seeds}, "
                "expected 1 or more, seeds 0 or more"
            )
        if not 0 < self.validation_share < 1:
            raise InputError(
                f"train animator: validation_share {self.validation_share}, expected above 0, "
                "below 1"
            )
        columns_of(self.features)
        check_device_name(self.device)


def run(config: TrainAnimatorConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = train_animator(config)
    Console(stderr=True).print(
        f"{config.out}: {metrics['frames']} pairs, validation error "
        f"{metrics['validation_mm']:.2f} mm ({metrics['neutral_mm']:.2f} mm for a still face)"
    )
    return 0


def train_animator(
    config: TrainAnimatorConfig, quiet: bool = False, report: Report | None = None
) -> dict[str, Any]:
    """Run every step; returns the metrics that also go to metrics.json.

    quiet: shows no progress in the terminal. report: hears of it in any case, from this thread;
    what it raises ends the run. Interrupted, the same call goes on with the recordings and the
    checkpoint that are there. Raises InputError for a folder that holds a run of another
    configuration, or on a rig, template or clip of other content; MissingExtraError where torch
    lacks CUDA and `device` asks for it.
    """
    device = choose_device(config.device)
    with claimed_folder(config.out, config, _NOT_OF_THE_RESULT):
        return _train(config, device, quiet, report)


def _train(
    config: TrainAnimatorConfig, device: torch.device, quiet: bool, report: Report | None
) -> dict[str, Any]:
    consent = _consent(config)
    template, identity, materials = character_of(config)
    clips = {path: Clip.read(path) for path in config.clips}
    inputs = _input_digests(config, template, materials, clips)
    claim_inputs(config.out, inputs)
    name = config.name or ("mien" if config.rig is None else template.name)
    rig, _ = rig_from_template(template, name, identity, materials)

    source = config.template if config.rig is None else str(config.rig / TEMPLATE_FILE)
    others = 0.0 if template.identity is None else OTHERS_SHARE
    jobs = plan_jobs(config.seed, config.frames, config.identity_seed, source, others)
    jobs += _clip_jobs(config, clips, source)
    with ProgressBars(quiet, also=report) as bars:
        for note in template.notes:
            bars.warn(note)
        recordings = make_recordings(
            jobs, config.out / "recordings", config.workers, bars,
            {source: inputs["template" if config.rig is None else "rig"]},
        )  # fmt: skip
    channels = template.shape_names
    sequences = [network_input(r, config.features, channels) for r in recordings]
    kept, held = split_recordings(len(sequences), config.validation_share, config.seed)
    skin = template.regions["skin"]
    motion = MotionCost(
        motion_gram(template.shape_deltas, skin),
        template.shape_deltas,
        moving_vertices(template.shape_deltas, skin),
    )
    with ProgressBars(quiet, also=report) as bars:
        bars.say(f"training on {device_name(device)}")
        network, trained = fit(
            [sequences[i] for i in kept],
            [sequences[i] for i in held],
            config.features,
            channels,
            motion,
            config.fit,
            config.out / "checkpoint.pt",
            bars,
            device,
        )
    still = [np.abs(sequences[i].weights) for i in held]
    metrics: dict[str, Any] = {
        "validation_mm": trained.error,
        "neutral_mm": _still_error(still, motion),
        "frames": int(sum(len(s.x) for s in sequences)),
        "recordings": len(sequences),
        "scenes_unseen": len(jobs) - len(recordings),
        "scenes_redrawn": sum(r.redrawn > 0 for r in recordings),
        "device": device_name(device),
    }
    weights = network.export_weights()
    weights.write(config.out / "animator.npz")
    provenance = {
        "seed": config.seed,
        "config": told_config(config, _NOT_OF_THE_RESULT),
        "inputs": inputs,
        "metrics": metrics,
        "versions": {name: version(name) for name in ("mien", "torch", "onnxruntime", "anny")},
    }
    write_animator_run(
        config.out,
        AnimatorRun(
            name=name,
            rig=rig,
            animator_onnx=animator_onnx(weights, 30.0, template.licence),
            channels=channels,
            features=config.features,
            licence=template.licence,
            consent=consent,
            provenance=provenance,
            preview_png=portrait_png(rig),
        ),
    )
    text = json.dumps({**provenance, "history": list(trained.history)}, indent=1)
    write_atomically(config.out / "metrics.json", text.encode() + b"\n")
    return metrics


def character_of(
    config: TrainAnimatorConfig,
) -> tuple[Template, NDArray[np.float32] | None, tuple[Material, ...]]:
    """Who it is: the head, their identity (V, 3) upon it (None for the head's own), materials."""
    if config.rig is not None:
        if (config.identity_seed, config.look_seed) != (None, None):
            raise InputError(
                "train animator: a rig is one person: leave identity and look seeds out"
            )
        template, materials = read_person(config.rig)
        return template, None, materials
    template = load_template(config.template)
    identity, neutral = None, template.vertices
    if config.identity_seed is not None:
        if template.identity is None:
            raise InputError(f"template {template.name!r} is one person: leave identity_seed out")
        identity = template.identity.sample(config.identity_seed)
        neutral = template.vertices + identity
    look = Look() if config.look_seed is None else Look.random(config.look_seed)
    return template, identity, paint_materials(template, neutral, look)


def _input_digests(
    config: TrainAnimatorConfig,
    template: Template,
    materials: tuple[Material, ...],
    clips: Mapping[Path, Clip],
) -> dict[str, str]:
    """What the recordings and the network follow from, beside the configuration."""
    head = "template" if config.rig is None else "rig"
    return {
        head: template_digest(template),
        f"materials of the {head}": materials_digest(materials),
        **{f"clip {path}": clip_digest(clip) for path, clip in clips.items()},
        "the tracker's nets": tracker_digest(),
        "the renderer": str(RENDERING_VERSION),
    }


def _consent(config: TrainAnimatorConfig) -> Consent:
    """Raises InputError where a recorded person's is not put into words."""
    if config.rig is not None and config.consent == "synthetic":
        raise InputError(
            "train animator: the rig is a recorded person's; say with --consent self, given or "
            "public, and --consent-statement, why their face may be used"
        )
    if config.consent == "synthetic":
        return Consent("synthetic", config.consent_statement or _GENERATED)
    if not (config.consent_statement or "").strip():
        raise InputError(
            f"train animator: --consent {config.consent} needs --consent-statement: who is shown, "
            "and what they agreed to"
        )
    return Consent(config.consent, config.consent_statement or "")


def _still_error(weights: list[Any], motion: MotionCost) -> float:
    return float(
        np.concatenate(
            [vertex_error_mm(0 * w[::3], w[::3], motion.deltas, motion.moving) for w in weights]
        ).mean()
    )


def _clip_jobs(
    config: TrainAnimatorConfig, clips: Mapping[Path, Clip], template: str
) -> list[SceneJob]:
    """The user's own clips, cut into scenes."""
    jobs = []
    for index, path in enumerate(config.clips):
        rows = len(clips[path].times_s)
        for start in range(0, rows - 1, _CLIP_ROWS):
            jobs.append(
                SceneJob(
                    seed=config.seed * 1_000_003 + index * 10_007 + start,
                    frames=min(_CLIP_ROWS, rows - start),
                    kind="clip",
                    clip=str(path),
                    clip_start=start,
                    identity_seed=config.identity_seed,
                    template=template,
                )
            )
    return jobs
