"""`mien train detail`: a person's rig and images of them in, their wrinkles out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from rich.console import Console

from mien.atomic import write_atomically
from mien.deform import blend
from mien.errors import InputError
from mien.video import IMAGE_SUFFIXES, read_frames
from mien_exporters.detail.detail_run import DetailRun, write_detail_run
from mien_training.cameras import Camera
from mien_training.detail.basis.detail_basis import DetailBasis, default_basis
from mien_training.detail.delight import delit_skin, relief_shading
from mien_training.detail.detail_report import write_detail_report
from mien_training.detail.encoder.skin_encoder import SkinEncoder, default_encoder
from mien_training.detail.finish import finer_maps, tangent_frames
from mien_training.detail.fit.evidence import RegionEvidence, region_evidence, with_fallback
from mien_training.detail.fit.frame_alignment import align_frames
from mien_training.detail.fit.linear_fit import DetailModel
from mien_training.detail.fit.observed_skin import ObservedSkin, observe_skin
from mien_training.detail.fit.performed_frames import performed_frames
from mien_training.detail.fit.photometric_detail import (
    FittedDetail,
    PhotometricNoise,
    fit_detail,
    shading_evidence,
)
from mien_training.detail.fit.posed_frames import PosedFrames, pose_frames
from mien_training.detail.fit.same_person import (
    LEAST_LIKENESS,
    likeness,
    texture_on_atlas,
)
from mien_training.detail.fit.skin_light import estimate_light
from mien_training.detail.region_tension import RegionTension, gate_images
from mien_training.detail.wrinkle_network import WrinkleNetwork, train_wrinkle_network
from mien_training.detail.wrinkle_regions import MASK_SIDE, REGION_NAMES, region_masks
from mien_training.footage.load import footage_digests
from mien_training.footage.observations import CameraRecording
from mien_training.footage.own_footage import own_footage
from mien_training.footage.video import pinhole_camera, read_recording
from mien_training.head import MATERIALS, rig_from_template
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.content_key import (
    content_digest,
    file_digest,
    template_digest,
    tracker_digest,
)
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import ProgressBars, Report
from mien_training.runs.run_folder import claim_inputs, claimed_folder, told_config
from mien_training.runs.stages import Stages
from mien_training.templates.person import read_person

__all__ = ["TrainDetailConfig", "run", "train_detail"]

_NOT_OF_THE_RESULT = ("out",)
_MOST_OVEREXPOSED = 0.3
_OR_ELSE = ", or name videos or images of the person after the rig"


@dataclass(frozen=True)
class TrainDetailConfig:
    """Learn a person's wrinkles, at rest and under expression, from videos or images of them."""

    rig: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished `mien train rig` of this person."""
    sources: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Videos or images of this person; strong expressions in even light from the side are best. If
    left out, the footage that the rig was fitted to, posed as the fit has found it."""
    out: Path = Path("detail")
    """Folder of the run."""
    basis: Path | None = None
    """Detail basis (.npz, of `mien train detail-basis`); the one that comes with mien if left
    out."""
    frames: int = 24
    """At most this many images are used, those that differ most."""
    size: int = 768
    """Side of the square images of the face, pixels."""
    focal_px: float | None = None
    """Focal length of the camera, in pixels of the footage; the longer side if left out (a field
    of view of 53 degrees). Give it for zoomed or cropped footage: perspective turns the skin. The
    rig's own footage has the rig's cameras."""
    map_size: int = 1024
    """Side of the exported maps, texels; coarser ones are made of it."""
    pores_um: float = 60.0
    """Depth of pores on the nose, micrometres; images of a whole face do not show it. 0: none."""
    intensity: float = 1.0
    """Factor with which the detail is meant to be shown."""
    encoder: Path | None = None
    """Skin encoder (.npz, of `mien train detail-encoder`) that reads what the linear fit leaves;
    the one that comes with mien if left out."""
    linear: bool = False
    """The linear fit alone, without encoder: for another basis than the encoder has learnt with."""
    noise: PhotometricNoise = field(default_factory=PhotometricNoise)
    """What may disturb the fit."""
    iterations: int = 60
    """Of the solver."""
    seed: int = 0
    """Of pores, and of the wrinkle network's training."""
    same_person: bool = False
    """Believe that the images show the rig's person, however different the skin looks."""
    show_frames: bool = True
    """False keeps every pixel of the footage out of the report."""

    def __post_init__(self) -> None:
        ranges = {
            "frames": (1, 400), "size": (128, 4096), "map_size": (128, 4096), "pores_um": (0, 500),
            "intensity": (0, 2), "iterations": (1, 10_000),
        }  # fmt: skip
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name)}, expected {least} to {most}")
        if self.focal_px is not None and not self.focal_px > 0:
            raise InputError(f"focal_px is {self.focal_px}, expected above 0")
        if self.focal_px is not None and not self.sources:
            raise InputError(
                "focal_px goes with videos or images, and none are named: the rig's own footage "
                "has the cameras of its fit"
            )
        if self.map_size % 8:
            raise InputError(f"map_size is {self.map_size}, expected a multiple of 8")


def run(config: TrainDetailConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = train_detail(config)
    counts = metrics["verdicts"]
    shown = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    Console(stderr=True).print(
        f"{config.out}: {metrics['frames']} images; wrinkle regions: {shown}; see "
        f"{config.out / 'report.html'}"
    )
    return 0


def train_detail(
    config: TrainDetailConfig, quiet: bool = False, report: Report | None = None
) -> dict[str, Any]:
    """Run every step; returns the metrics that also go to metrics.json.

    Without sources the rig's own footage is read again. Raises InputError for a folder without a
    finished rig, or then without its performance, for footage that is gone or has changed, for
    images that show no face, too small a face, another person's face or one that is overexposed,
    and for a folder of another run.
    """
    with claimed_folder(config.out, config, _NOT_OF_THE_RESULT):
        return _train(config, quiet, report)


def _train(config: TrainDetailConfig, quiet: bool, report: Report | None) -> dict[str, Any]:
    names = [s.name for s in config.sources]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise InputError(
            f"train detail: two files are called {twice[0]!r}; what was tracked is kept by name"
        )
    person, materials = read_person(config.rig)
    basis = default_basis() if config.basis is None else DetailBasis.load(config.basis)
    encoder = _encoder(config, basis)
    own = None if config.sources else own_footage(config.rig, _OR_ELSE)
    sources = config.sources if own is None else own.sources
    inputs = {
        "rig": template_digest(person),
        "the tracker's nets": tracker_digest(),
        **{f"footage {s.name}": _digest(s) for s in sources},
        **({} if own is None else {"performance": content_digest(own.performance)}),
        **({} if config.basis is None else {"basis": file_digest(config.basis)}),
        **({} if config.encoder is None else {"encoder": file_digest(config.encoder)}),
    }
    claim_inputs(config.out, inputs)
    with ProgressBars(quiet, also=report) as bars:
        names = [str(s) for s in sources]
        if own is None:
            recordings = _recordings(config, inputs, bars)
            frames = pose_frames(person, recordings, names, config.frames, bars, bars.warn)
        else:
            frames = performed_frames(person, own, config.size, config.frames, bars)
        if len(frames.images) == 1:
            bars.warn("one image only: what expressions do is the mean person's, fitted at rest")
        atlas = FaceAtlas.of(person)
        skin = observe_skin(
            frames.images, frames.vertices, frames.views, frames.camera, atlas, basis.size
        )
        _check_exposure(skin, names)
        texture = materials[MATERIALS.index("skin")].base_color
        shifts, alike = np.zeros(len(frames.images)), 1.0
        if texture is not None:
            light = estimate_light(skin)
            alike = likeness(person, texture, skin, light)
            if alike < LEAST_LIKENESS and not config.same_person:
                raise InputError(
                    f"{', '.join(names)}: the skin in the images is not that of the rig "
                    f"{config.rig} (correlation {alike:.2f}, expected {LEAST_LIKENESS} or more): "
                    "another person? If it is the same one, differently made up: --same-person"
                )
            known = texture_on_atlas(person, texture, skin.texels)
            skin, shifts = align_frames(skin, light, known)
        rig, source = rig_from_template(person, person.name, None, materials)
        tension = RegionTension.of(rig, atlas.places[source])
        shaped = blend(rig, frames.weights)
        weights = tension.weights(shaped)
        first = np.unique(source, return_index=True)[1]
        press, pull = (
            torch.from_numpy(gate)
            for gate in gate_images(tension.gates, shaped, atlas.texels(basis.size), first)
        )
        model = DetailModel(basis)
        bars.say("fitting the relief")
        seen = shading_evidence(skin, estimate_light(skin), basis.size, config.noise.spots_px)
        fitted = fit_detail(seen, press, pull, model, config.noise, config.iterations)
        read = fitted.heights
        if encoder is not None:
            read = encoder.heights(seen, press, pull, read, model)
        evidence = region_evidence(skin, fitted, torch.from_numpy(weights), fitted.unexplained)
        heights = with_fallback(read, model.mean, evidence)
        network = train_wrinkle_network(tension, config.seed)
        maps = finer_maps(atlas, heights, config.map_size, 1e-6 * config.pores_um, config.seed)
        delit = None
        if texture is not None:
            shading = relief_shading(seen, read, press, pull)
            delit = delit_skin(texture, person, atlas, shading)
    metrics = _metrics(config, inputs, frames, fitted, evidence, network)
    metrics["posed"] = "by the tracker's points" if own is None else "as the rig's fit"
    metrics["likeness"] = alike
    metrics["shift_texels"] = {
        "median": float(np.median(shifts)),
        "p95": float(np.quantile(shifts, 0.95)),
    }
    detail = DetailRun(
        name=person.name, maps=maps, tangent_from_atlas=tangent_frames(atlas, config.map_size),
        masks=region_masks(MASK_SIDE), region_names=REGION_NAMES, places=atlas.places[source],
        vertices=rig.vertices, channel_names=rig.shape_names, layers=network.layers, skin=delit,
        intensity=config.intensity,
        provenance={k: metrics[k] for k in ("config", "versions", "seed", "verdicts", "network")},
    )  # fmt: skip
    write_detail_report(
        config.out, person, rig, materials, detail, frames, evidence, metrics, config.show_frames
    )
    write_atomically(config.out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    write_detail_run(config.out, detail)
    return metrics


def _encoder(config: TrainDetailConfig, basis: DetailBasis) -> SkinEncoder | None:
    if config.linear:
        return None
    encoder = default_encoder() if config.encoder is None else SkinEncoder.load(config.encoder)
    if encoder.size != basis.size:
        raise InputError(
            f"{config.basis or 'the default basis'}: {basis.size} texels a side, but the skin "
            f"encoder has learnt with {encoder.size}; train one (mien train detail-encoder "
            "--basis), or leave it out (--linear)"
        )
    return encoder


def _digest(source: Path) -> str:
    return next(iter(footage_digests([source], None).values()))


def _recordings(
    config: TrainDetailConfig, inputs: dict[str, str], bars: ProgressBars
) -> list[CameraRecording]:
    """Every source by itself: no calibration is needed, for each face is posed on its own."""
    origin = {**inputs, "size": config.size, "focal_px": config.focal_px}
    stages = Stages(Checkpoint(config.out / "tracking.pt", origin))
    found = []
    for source in config.sources:
        still = source.suffix.lower() in IMAGE_SUFFIXES
        most = 1 if still else max(config.frames * 8, 120)
        camera = _camera(config, source)
        found.append(read_recording(source, config.size, camera, most, bars, stages=stages))
    return found


def _camera(config: TrainDetailConfig, source: Path) -> Camera | None:
    if config.focal_px is None:
        return None
    height, width = next(iter(read_frames(source))).image.shape[:2]
    return pinhole_camera(width, height, config.focal_px)


def _check_exposure(skin: ObservedSkin, names: list[str]) -> None:
    if float(skin.overexposed.min()) > _MOST_OVEREXPOSED:
        raise InputError(
            f"{', '.join(names)}: {100 * float(skin.overexposed.min()):.0f} % of the skin is "
            f"overexposed in the best image, expected at most {100 * _MOST_OVEREXPOSED:.0f} %: "
            "white skin shows no wrinkles; use less light or a shorter exposure"
        )
    if not float(skin.weight.sum()) > 0:
        raise InputError(
            f"{', '.join(names)}: all of the skin is too dark to show anything; expected a face in "
            "light"
        )


def _metrics(
    config: TrainDetailConfig, inputs: dict[str, str], frames: PosedFrames, fitted: FittedDetail,
    evidence: tuple[RegionEvidence, ...], network: WrinkleNetwork,
) -> dict[str, Any]:  # fmt: skip
    verdicts = [e.verdict for e in evidence]
    depth = 1000 * fitted.heights.abs().flatten(1)
    return {
        "frames": len(frames.images),
        "misfit_of_face_height": frames.misfit,
        "verdicts": {v: verdicts.count(v) for v in sorted(set(verdicts))},
        "regions": [{**asdict(e), "verdict": e.verdict} for e in evidence],
        "depth_mm": {
            part: {"p99": float(values.quantile(0.99)), "worst": float(values.max())}
            for part, values in zip(("static", "compressed", "stretched"), depth, strict=True)
        },
        "solver": {"iterations": fitted.solved.iterations, "remaining": fitted.solved.remaining},
        "network": {"layers": len(network.layers), "rms": network.errors},
        "seed": config.seed,
        "config": told_config(config, _NOT_OF_THE_RESULT),
        "inputs": inputs,
        "versions": {name: version(name) for name in ("mien", "torch", "numpy", "scipy")},
    }
