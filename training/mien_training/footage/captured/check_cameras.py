"""`mien cameras check`: which cameras of a captured take are off, and the rig without that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from scipy.spatial.transform import Rotation

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.cameras.calibration import calibration_json
from mien_training.cameras.camera import Camera
from mien_training.cameras.check.bundle_adjustment import AdjustConfig
from mien_training.cameras.check.camera_check import CameraCheck, CheckConfig, check_cameras
from mien_training.footage.captured.residuals_file import read_residuals

__all__ = ["REFINED_FILE", "CheckCamerasConfig", "check_run", "run"]

REFINED_FILE = "cameras_refined.json"


@dataclass(frozen=True)
class CheckCamerasConfig:
    """Say how far each camera of a captured take is off, and correct the calibration."""

    run: Annotated[Path, tyro.conf.Positional]
    """The folder of `mien capture`."""
    refine: bool = False
    """Write a corrected calibration, where something is off: the poses of cameras that are called
    off as the take has them; the others, the rig's frame and size stay."""
    focal: bool = False
    """Correct focal lengths too."""
    out: Path | None = None
    """Where the corrected calibration goes; left out: cameras_refined.json in the run's folder."""

    def __post_init__(self) -> None:
        if not self.refine and self.out is not None:
            raise InputError("cameras check: --out is for --refine, which was not asked for")


def run(config: CheckCamerasConfig) -> int:
    """The command."""
    for line in check_run(config):
        print(line)
    return 0


def check_run(config: CheckCamerasConfig) -> list[str]:
    """Lines that tell how far each camera is off; with `refine`, writes the calibration.

    Raises InputError, naming file, field and expectation, for runs without residuals, and for
    `refine` with too few moments.
    """
    residuals = read_residuals(config.run)
    settings = CheckConfig(adjust=AdjustConfig(focal=config.focal))
    try:
        seen = residuals.sightings()
        check = check_cameras(seen, settings)
    except InputError as reason:
        raise InputError(f"{config.run}: {reason}") from None
    told = _told(residuals.names, check, settings)
    if not config.refine:
        return told
    if not check.enough:
        raise InputError(
            f"{config.run}: {check.moments} moments that several cameras saw, expected "
            f"{settings.least_moments} or more to correct cameras by: capture a longer take"
        )
    if all(new is old for old, new in zip(seen.cameras, check.corrected, strict=True)):
        return [*told, "nothing to correct: no calibration is written"]
    out = config.out or (config.run if config.run.is_dir() else config.run.parent) / REFINED_FILE
    # Lenses beyond k1 and k2 are not in the pictures that were worked on: they are the old ones.
    cameras = [
        replace(old, K=new.K, camera_from_world=new.camera_from_world)
        for old, new in zip(residuals.cameras, check.corrected, strict=True)
    ]
    named = dict(zip(residuals.names, cameras, strict=True))
    write_atomically(out, calibration_json(named, 1.0))
    told.append(f"{out}: corrected cameras, metres; what changed:")
    for name, old, new in zip(residuals.names, residuals.cameras, cameras, strict=True):
        told.append(f"  {name}: {_change(old, new)}")
    return told


def _told(names: tuple[str, ...], check: CameraCheck, settings: CheckConfig) -> list[str]:
    told = [f"{check.moments} moments that several cameras saw"]
    for c, name in enumerate(names):
        if not check.judged[c]:
            told.append(f"  {name}: {check.sightings[c]} sightings, too few to judge it")
            continue
        x, y = check.residual_px[c]
        told.append(
            f"  {name}: {check.off_px[c]:.2f} pixels off, {1e3 * check.off_m[c]:.1f} mm at the "
            f"head; mean residual {x:+.2f}, {y:+.2f} pixels in {check.sightings[c]} sightings"
            + (" - OFF" if check.suspect[c] else "")
        )
    return [*told, _verdict(names, check, settings)]


def _verdict(names: tuple[str, ...], check: CameraCheck, settings: CheckConfig) -> str:
    if not check.enough:
        return (
            f"{check.moments} moments are too few to say which camera is off: they scatter; "
            f"expected {settings.least_moments} or more"
        )
    off = [name for name, bad in zip(names, check.suspect, strict=True) if bad]
    if off and check.judged.sum() == 2:
        return f"{off[0]} and {off[1]} do not fit each other; two cannot tell which one is off"
    if off:
        return f"{' and '.join(off)} {'is' if len(off) == 1 else 'are'} off; --refine corrects that"
    typical = float(np.nanmedian(check.off_m))
    if typical > settings.least_off_m:
        return (
            f"no camera stands out, but they are {1e3 * typical:.1f} mm off at the head on the "
            "whole; --refine corrects that"
        )
    return "no camera is off"


def _change(old: Camera, new: Camera) -> str:
    turn = old.camera_from_world[:3, :3] @ new.camera_from_world[:3, :3].T
    degrees = np.degrees(Rotation.from_matrix(turn).magnitude())
    moved = 1e3 * np.linalg.norm(new.centre - old.centre)
    focal = 100 * (new.K[0, 0] / old.K[0, 0] - 1)
    told = f"turned by {degrees:.3f} degrees, moved by {moved:.1f} mm"
    return told if abs(focal) < 1e-9 else f"{told}, focal length {focal:+.2f} %"
