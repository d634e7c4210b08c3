"""A synthetic person's recordings: parts of a real take, performed before one camera or three."""

from __future__ import annotations

import argparse
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from synthetic_measures import Truth

from mien.atomic import write_atomically
from mien.channels import ARKIT_CHANNELS, HEAD_CHANNELS
from mien.clip import Clip
from mien_training.footage.observations import Observations, observe
from mien_training.head import Template
from mien_training.rendering import RENDERING_VERSION
from mien_training.runs.cache import cached_path, read_cached
from mien_training.runs.content_key import clip_digest, template_digest, tracker_digest
from mien_training.synthetic.ground_truth import Footage
from mien_training.synthetic.performance import generate_performance
from mien_training.synthetic.person import SyntheticPerson, record_views

__all__ = ["RUNS", "SyntheticRecording", "parser_of", "recorded"]

RUNS = Path(__file__).parents[2] / "runs" / "rig_synthetic"
SIZE = 224
ANGLES = HEAD_CHANNELS[:3]
OFFSETS = (0.0, 0.37, -0.61)
_FORMAT = 1
"""Raised whenever persons or recordings are made otherwise."""


@dataclass(frozen=True, eq=False)
class SyntheticRecording:
    """A synthetic person before cameras, and what a fit is given of it."""

    person: SyntheticPerson
    footage: Footage
    seen: Observations

    @property
    def truth(self) -> Truth:
        """With the weights of every frame that was given."""
        rows = zip(self.seen.camera.tolist(), self.seen.frame.tolist(), strict=True)
        return Truth(self.person, np.stack([self.footage.truth[c].weights[f] for c, f in rows]))


def with_head_motion(clip: Clip, seed: int) -> Clip:
    """The clip with the head angles of `generate_performance(seed)` over its length, radians.

    Many recordings of faces have no head motion; a still head shows one camera one side only.
    """
    span = max(clip.duration_s, 1e-3)
    motion = generate_performance(seed, span + 0.1, 60.0).select(ANGLES)
    at = clip.times_s - clip.times_s[0]
    angles = [np.interp(at, motion.times_s, column) for column in motion.values.T]
    kept = [name for name in clip.names if name not in ANGLES]
    values = np.concatenate([clip.select(kept).values, np.stack(angles, 1)], 1)
    return replace(clip, names=(*kept, *ANGLES), values=values.astype(np.float32))


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """The arguments that benchmarks of synthetic people share."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("take", type=Path)
    parser.add_argument("ict")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    return parser


def recorded(template: Template, take: Clip, cameras: int, seed: int) -> SyntheticRecording:
    """Recorded and tracked once: kept in runs/rig_synthetic, by content."""
    content = {
        "template": template_digest(template), "take": clip_digest(take), "cameras": cameras,
        "seed": seed, "size": SIZE, "offsets": OFFSETS, "renderer": RENDERING_VERSION,
        "tracker": tracker_digest(), "format": _FORMAT,
    }  # fmt: skip
    path = cached_path(RUNS, f"recording-{cameras}-{seed}", content, ".pkl")
    if path.exists():
        found: SyntheticRecording = read_cached(path, lambda p: pickle.loads(p.read_bytes()))
        return found
    person = SyntheticPerson.make(template, seed)
    clip = with_head_motion(parts_of(take), seed)
    footage = record_views(person, clip, cameras, offsets_frames=OFFSETS, size=SIZE, seed=seed)
    made = SyntheticRecording(person, footage, observe(footage.views))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, pickle.dumps(made))
    return made


def parts_of(take: Clip, seconds: float = 1.1, count: int = 9, fade_s: float = 0.2) -> Clip:
    """Short parts that together show most of every channel, joined by cross-fades, at 60 Hz.

    Chosen greedily by what they add to the sum of all channels' peaks.
    """
    rate = 60.0
    names = [n for n in ARKIT_CHANNELS if n != "tongueOut"]
    clip = take.select(names)
    t = clip.times_s - clip.times_s[0]
    starts = np.arange(0, t[-1] - seconds, 0.25)
    peaks = np.array([clip.values[(t >= s) & (t < s + seconds)].max(0) for s in starts])
    top, chosen = np.zeros(len(names)), []
    for _ in range(count):
        best = int(np.maximum(peaks, top).sum(1).argmax())
        chosen.append(float(starts[best]))
        top = np.maximum(top, peaks[best])
    length, fade = int(seconds * rate), int(fade_s * rate)
    ramp = np.linspace(0, 1, fade)[:, None]
    rows: list[np.ndarray] = []
    for start in sorted(chosen):
        at = start + np.arange(length) / rate
        part = np.stack([np.interp(at, t, column) for column in clip.values.T], 1)
        if rows:
            rows[-1][-fade:] = rows[-1][-fade:] * (1 - ramp) + part[:fade] * ramp
            part = part[fade:]
        rows.append(part)
    values = np.concatenate(rows).astype(np.float32)
    return Clip(names=tuple(names), times_s=np.arange(len(values)) / rate, values=values)
