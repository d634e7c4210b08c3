"""`mien capture`: films or pictures of calibrated cameras in, a mesh for every moment out."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from mien.atomic import write_atomically
from mien_training.capture.moment_result import HeadPredictor
from mien_training.capture.output.take_glb import write_take_glb
from mien_training.capture.output.take_ply import write_take_ply
from mien_training.capture.over_time.smooth_take import TakeSmoother
from mien_training.capture.report.sections import mean_offsets
from mien_training.capture.report.write_report import REPORT_FILE, write_report
from mien_training.capture.run.config import NOT_OF_THE_MESHES, CaptureConfig
from mien_training.capture.run.join_moments import join_moments, read_seconds
from mien_training.capture.run.load_predictor import checked_predictor, load_predictor
from mien_training.capture.run.picture_pass import picture_pass
from mien_training.capture.run.predict_moments import common_failures, predict_moments
from mien_training.capture.take import MultiViewTake, open_take, parse_frames
from mien_training.capture.take.metric_unit import take_in_metres
from mien_training.footage.captured import (
    MESHES_FILE,
    CameraResiduals,
    CapturedMeshes,
    read_meshes,
    read_residuals,
)
from mien_training.head import Template
from mien_training.runs.content_key import template_digest
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import ProgressBars, Report
from mien_training.runs.run_folder import claim_inputs, claimed_folder, told_config
from mien_training.templates import load_template
from mien_training.templates.person import person_materials

__all__ = ["capture_take", "run"]

MOMENTS_FOLDER, TEXTURE_FILE, METRICS_FILE = "moments", "texture.png", "metrics.json"


def run(config: CaptureConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = capture_take(config)
    failed = f", {metrics['failures']} of them failures" if metrics["failures"] else ""
    Console(stderr=True).print(
        f"{config.out}: {metrics['moments']} moments of {metrics['cameras']} cameras{failed}; see "
        f"{config.out / REPORT_FILE}"
    )
    return 0


def capture_take(
    config: CaptureConfig,
    predictor: HeadPredictor | None = None,
    quiet: bool = False,
    report: Report | None = None,
) -> dict[str, Any]:
    """Run every step; returns the metrics that also go to metrics.json.

    predictor: in place of the networks that `config` names. quiet: shows nothing in the terminal;
    report: hears of progress in any case, and ends the run with what it raises. Interrupted, the
    same call goes on after the moments that are done; finished, it makes what is asked for besides
    the meshes. Raises InputError for bad input, and for a folder that holds a run of other options
    or on inputs of other content.
    """
    with (
        claimed_folder(config.out, config, NOT_OF_THE_MESHES),
        ProgressBars(quiet, also=report) as bars,
    ):
        return _captured(config, predictor, bars)


def _captured(
    config: CaptureConfig, predictor: HeadPredictor | None, bars: ProgressBars
) -> dict[str, Any]:
    template = load_template(config.template)
    if config.smooth != "none":
        TakeSmoother.of(template)  # better said before hours of work than after
    take = open_take(config.sources, config.cameras, parse_frames(config.frames), config.fps)
    predictor = checked_predictor(
        predictor or load_predictor(config.net, template, config.polish), template
    )
    inputs = {
        "template": template_digest(template), "net": predictor.digest, **take.digests(bars)
    }  # fmt: skip
    claim_inputs(config.out, inputs)
    unknown = take.unit_m is None
    take = take_in_metres(take, template, report=bars)
    if unknown:
        bars.say(f"{config.cameras}: the face gives a unit of {take.unit_m:.4g} m")
    if not (config.out / MESHES_FILE).exists():
        predict_moments(take, predictor, config.out / MOMENTS_FOLDER, bars, config.give_up)
        join_moments(config.out, config.out / MOMENTS_FOLDER, take, template, config.smooth)
    meshes, residuals = read_meshes(config.out), read_residuals(config.out)
    shutil.rmtree(config.out / MOMENTS_FOLDER, ignore_errors=True)
    seconds = read_seconds(config.out)
    return _write(config, take, template, meshes, residuals, seconds, inputs, bars)


def _write(
    config: CaptureConfig, take: MultiViewTake, template: Template, meshes: CapturedMeshes,
    residuals: CameraResiduals, seconds: Mapping[str, float], inputs: Mapping[str, str],
    bars: ProgressBars,
) -> dict[str, Any]:  # fmt: skip
    """Everything besides the meshes."""
    start = perf_counter()
    pictures, texture = picture_pass(
        take, meshes, template, config.texture_side, config.show_frames, bars
    )
    if texture is not None:
        write_atomically(config.out / TEXTURE_FILE, _png(texture))
    told: dict[str, Any] = {}
    if "glb" in config.write:
        shapes = write_take_glb(config.out, meshes, template, person_materials(template, texture))
        told["glb"] = {"targets": len(shapes.deltas), "error_mm": 1e3 * shapes.error_m}
    if "ply" in config.write:
        write_take_ply(config.out, meshes, template, bars)
    write_report(config.out, meshes, residuals, template, pictures, seconds, config.show_frames)
    good, offsets = meshes.good, mean_offsets(residuals.offsets_px())
    metrics = {
        "moments": len(meshes),
        "cameras": len(take.names),
        "failures": int((~good).sum()),
        "reasons": dict(common_failures(meshes.failure)),
        "mean_confidence": float(meshes.confidence[good].mean(dtype=np.float64)),
        "median_spread_mm": 1e3 * float(np.median(meshes.spread_m[good])),
        "residual_px": {
            name: [None if np.isnan(v) else float(v) for v in mean]
            for name, mean in zip(residuals.names, offsets, strict=True)
        },
        "seconds": {**seconds, "texture, report and other files": perf_counter() - start},
        **told,
        "config": told_config(config),
        "inputs": dict(inputs),
        "versions": {name: version(name) for name in ("mien", "torch", "warp-lang", "numpy")},
    }
    write_atomically(
        config.out / METRICS_FILE, json.dumps(metrics, indent=1, allow_nan=False).encode() + b"\n"
    )
    return metrics


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
