"""Draws docs/figures/avatar_truth.jpg, people with known hair and wrinkles, and times their images.

python tests/benchmarks/avatar_truth.py [TAKE.csv]

With a Live Link take: how many pixels moving wrinkles change over its performance.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.clip import Clip
from mien_training.cameras import Camera, look_at_camera
from mien_training.synthetic.avatar import REGIONS, AvatarTruth
from mien_training.synthetic.hair import HairStyle
from mien_training.synthetic.person import perform
from mien_training.templates import load_template

FIGURES = Path(__file__).parents[2] / "docs/figures"
PEOPLE = {"crop": 1, "bob": 2, "parted": 3, "curls": 5, "swept": 6}
SIDE = 256
COLOURS = np.array(
    [(226, 178, 146), (214, 69, 65), (52, 120, 200), (120, 40, 90), (70, 60, 50), (255, 255, 255)],
    np.uint8,
)
FROWN = {"browDownLeft": 1.0, "browDownRight": 1.0, "eyeSquintLeft": 0.7, "eyeSquintRight": 0.7}
RAISED = {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0, "jawOpen": 0.4}
SMILE = {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "jawOpen": 0.15, "mouthUpperUpLeft": 0.4,
         "mouthUpperUpRight": 0.4}  # fmt: skip


def camera(truth: AvatarTruth, degrees: float, side: int, pitch: float = 0.0) -> Camera:
    """Around the head at eyes' height, all of it in the image."""
    v = truth.neutral
    middle = np.array([0.0, 0.5 * (v[:, 1].min() + v[:, 1].max()) + 0.005, 0.03])
    yaw, up = np.radians(degrees), np.radians(pitch)
    way = np.array([np.sin(yaw) * np.cos(up), np.sin(up), np.cos(yaw) * np.cos(up)])
    return look_at_camera(middle + way, middle, 0.31, side, side)


def row(truth: AvatarTruth, **weights: float) -> NDArray[np.float32]:
    return np.array([[weights.get(name, 0.0) for name in truth.shape_names]], np.float32)


def strip(truth: AvatarTruth) -> NDArray[np.uint8]:
    """One person: front, aside, side, behind, above; regions; what wrinkles change."""
    still = np.zeros((1, 3))
    shots = [({}, 0, 0), (SMILE, 25, 0), (FROWN, 90, 0), ({}, 180, 0), (RAISED, 20, 45)]
    found = []
    for weights, degrees, pitch in shots:
        through = camera(truth, degrees, SIDE, pitch)
        found.append(truth.perform(row(truth, **weights), still, through, compare=False).images[0])
    frames = truth.perform(row(truth, **RAISED), still, camera(truth, 0, SIDE))
    found += [frames.images[0], COLOURS[frames.masks.region[0]]]
    dimmed = (frames.images[0] // 3 + 20).astype(np.uint8)
    dimmed[frames.masks.changed[0]] = (255, 200, 60)
    dimmed[frames.masks.outline[0]] = (90, 160, 255)
    found.append(dimmed)
    return np.concatenate(found, 1)


def timing(truth: AvatarTruth) -> None:
    rng = np.random.default_rng(0)
    weights = (0.5 * rng.random((12, len(truth.shape_names)))).astype(np.float32)
    angles = rng.normal(0, 0.15, (12, 3))
    for side in (192, 256):
        for compare in (False, True):
            through = camera(truth, 0, side)
            truth.perform(weights[:1], angles[:1], through, compare=compare)
            begun = time.process_time()
            truth.perform(weights, angles, through, compare=compare)
            each = 1e3 * (time.process_time() - begun) / len(weights)
            print(f"{side} px, {'with' if compare else 'without'} what wrinkles change: "
                  f"{each:.0f} ms of processor time a frame")  # fmt: skip


def shares(truth: AvatarTruth, path: Path) -> None:
    clip = Clip.read(path)
    times = np.linspace(clip.times_s[0], clip.times_s[-1], 24)
    weights, angles = perform(clip, truth.shape_names, times)
    frames = truth.perform(weights, angles, camera(truth, 0, SIDE))
    head = frames.masks.mask("head").sum()
    for name in (*REGIONS, "outline", "changed"):
        print(f"{name}: {100 * frames.masks.mask(name).sum() / head:.1f} % of the head's pixels")
    for name in ("skin", "features"):
        inside = frames.masks.mask(name)
        print(f"changed in {name}: {100 * frames.masks.changed[inside].mean():.1f} %")


def main() -> None:
    template = load_template("anny")
    strips = []
    for name, seed in PEOPLE.items():
        truth = AvatarTruth.make(template, seed, HairStyle.named(name, seed), age=0.9)
        hair = truth.wrinkled.person.hair
        assert hair is not None
        print(f"{name}: {len(hair.mesh.triangles)} triangles of hair")
        strips.append(strip(truth))
        if name == "bob":
            timing(truth)
            if len(sys.argv) > 1:
                shares(truth, Path(sys.argv[1]))
    FIGURES.mkdir(exist_ok=True)
    Image.fromarray(np.concatenate(strips)).save(FIGURES / "avatar_truth.jpg", quality=86)


if __name__ == "__main__":
    main()
