"""`mien train animator`: build the character, perform, render, track, fit, export the graph."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.progress import Progress

from mien.atomic import write_atomically
from mien.clip import Clip
from mien.errors import InputError
from mien.manifest import Consent
from mien_exporters.animator_onnx import animator_onnx
from mien_exporters.run_folder import AnimatorRun, write_animator_run
from mien_training.animator.dataset import OTHERS_SHARE, SceneJob, make_recordings, plan_jobs
from mien_training.animator.fit import FitConfig, Motion, fit
from mien_training.animator.motion_loss import motion_gram, moving_vertices
from mien_training.animator.training_set import columns_of, network_input, split_recordings
from mien_training.head import rig_from_template
from mien_training.rendering.paint import Look, paint_materials
from mien_training.rendering.preview import portrait_png
from mien_training.runs.run_folder import claimed_folder, plain_config
from mien_training.templates import load_template
from mien_training.templates.person import TEMPLATE_FILE, read_person

__all__ = ["TrainAnimatorConfig", "run", "train_animator"]

_CLIP_ROWS = 150
_GENERATED = "The head is generated; it shows no real person."


@dataclass(frozen=True)
class TrainAnimatorConfig:
    """Make a character from a template head and train the animator that drives it."""

    out: Path = Path("run")
    """Folder of the run: recordings, checkpoint, weights, metrics, and what `export` needs."""
    name: str | None = None
    """The character's name; left out, the rig's, or mien."""
    template: str = "anny"
    """The head to start from: anny, a folder of ICT-FaceKit's OBJ files, a .glb or .gltf file, or
    a .json file that says what such a file does not."""
    rig: Path | None = None
    """Folder of a `mien train rig`: the character is that person, with their own skin."""
    consent: Literal["synthetic", "self", "given", "public"] = "synthetic"
    """Why this face may be used; a filmed person's is their own (self), given, or public."""
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


def run(config: TrainAnimatorConfig) -> int:
    """The command."""
    metrics = train_animator(config)
    Console(stderr=True).print(
        f"{config.out}: {metrics['frames']} pairs, validation error "
        f"{metrics['validation_mm']:.2f} mm ({metrics['neutral_mm']:.2f} mm for a still face)"
    )
    return 0


def train_animator(config: TrainAnimatorConfig) -> dict[str, Any]:
    """Run every step; returns the metrics that also go to metrics.json.

    Interrupted, the same call goes on with the recordings and the checkpoint that are there.
    Raises InputError for a folder that holds a run of another configuration.
    """
    with claimed_folder(config.out, config, ("out", "workers")):
        return _train(config)


def _train(config: TrainAnimatorConfig) -> dict[str, Any]:
    source = config.template if config.rig is None else str(config.rig / TEMPLATE_FILE)
    if config.rig is not None and (config.identity_seed, config.look_seed) != (None, None):
        raise InputError("train animator: a rig is one person: leave identity and look seeds out")
    consent = _consent(config)
    if config.rig is not None:
        read_person(config.rig)  # says best what is missing
    template = load_template(source)
    identity = None
    if config.identity_seed is not None:
        if template.identity is None:
            raise InputError(f"template {template.name!r} is one person: leave identity_seed out")
        identity = template.identity.sample(config.identity_seed)
    neutral = template.vertices if identity is None else template.vertices + identity
    if config.rig is None:
        look = Look() if config.look_seed is None else Look.random(config.look_seed)
        materials = paint_materials(template, neutral, look)
    else:
        template, materials = read_person(config.rig)
    name = config.name or ("mien" if config.rig is None else template.name)
    rig, _ = rig_from_template(template, name, identity, materials)

    others = 0.0 if template.identity is None else OTHERS_SHARE
    jobs = plan_jobs(config.seed, config.frames, config.identity_seed, source, others)
    jobs += _clip_jobs(config, source)
    recordings = make_recordings(jobs, config.out / "recordings", config.workers)
    channels = template.shape_names
    sequences = [network_input(r, config.features, channels) for r in recordings]
    kept, held = split_recordings(len(sequences), config.validation_share, config.seed)
    skin = template.regions["skin"]
    motion = Motion(
        motion_gram(template.shape_deltas, skin),
        template.shape_deltas,
        moving_vertices(template.shape_deltas, skin),
    )
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("training", total=config.fit.steps)
        network, figures = fit(
            [sequences[i] for i in kept],
            [sequences[i] for i in held],
            config.features,
            channels,
            motion,
            config.fit,
            config.out / "checkpoint.pt",
            lambda step, loss: progress.update(task, completed=step),
        )
    still = [np.abs(sequences[i].weights) for i in held]
    metrics: dict[str, Any] = {
        **figures,
        "neutral_mm": _still_error(still, motion),
        "frames": int(sum(len(s.x) for s in sequences)),
        "recordings": len(sequences),
        "scenes_redrawn": sum(r.redrawn > 0 for r in recordings),
    }
    weights = network.export_weights()
    weights.write(config.out / "animator.npz")
    provenance = {
        "seed": config.seed,
        "config": plain_config(config),
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
    text = json.dumps(provenance, indent=1)
    write_atomically(config.out / "metrics.json", text.encode() + b"\n")
    return metrics


def _consent(config: TrainAnimatorConfig) -> Consent:
    """Raises InputError where a filmed person's is not put into words."""
    if config.rig is not None and config.consent == "synthetic":
        raise InputError(
            "train animator: the rig is a filmed person's; say with --consent self, given or "
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


def _still_error(weights: list[Any], motion: Motion) -> float:
    from mien_training.animator.motion_loss import vertex_error_mm

    return float(
        np.concatenate(
            [vertex_error_mm(0 * w[::3], w[::3], motion.deltas, motion.moving) for w in weights]
        ).mean()
    )


def _clip_jobs(config: TrainAnimatorConfig, template: str) -> list[SceneJob]:
    """The user's own clips, cut into scenes."""
    jobs = []
    for index, path in enumerate(config.clips):
        rows = len(Clip.read(path).times_s)
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
