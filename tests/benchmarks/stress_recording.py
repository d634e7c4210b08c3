"""A synthetic person with hair before a phone: the hardest parts of a take, blurred, compressed."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch

from mien.clip import Clip
from mien.tracker import Tracker
from mien_training.cameras import Camera
from mien_training.footage.observations import CameraRecording
from mien_training.head import Template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.appearance import srgb_from_linear
from mien_training.rendering.shading import linear_from_srgb
from mien_training.synthetic.hair import HairStyle
from mien_training.synthetic.person import SyntheticPerson, perform, view_cameras
from mien_training.synthetic.posing import head_matrices, pose_person
from mien_training.synthetic.scene import RandomScene

__all__ = ["StressRecording", "hardest_parts", "record_stress"]

SIZE = 288
SHUTTER = 0.5
"""Share of a frame's time in which the shutter is open: half, as by a lamp's light indoors."""
MOMENTS = 4
"""Renderings that one blurred frame is the mean of."""
BITS_PER_PIXEL = 0.13
"""8 Mbit/s at 1080p and 30 Hz, which phones write."""
JUMPS = (0.31, 0.72)
"""Where in the recording the tracker is made to jump away, for one frame each."""


@dataclass(frozen=True, eq=False)
class StressRecording:
    """What a fit is given, and the truth."""

    person: SyntheticPerson
    recording: CameraRecording
    weights: np.ndarray
    """(T, K) in the middle of the exposure."""
    world_from_head: np.ndarray
    """(T, 4, 4)"""
    jumps: list[int]
    """Frames in which the tracker was made to jump."""


def hardest_parts(take: Clip, seconds: float = 0.9) -> Clip:
    """The widest mouth, the fastest mouth, the fastest blink and the strongest brows of a take, one
    after the other at 240 Hz, with a head that turns to 35 degrees and nods quickly."""
    rate = 240.0
    names = [n for n in take.names if n not in ("headYaw", "headPitch", "headRoll", "tongueOut")]
    clip = take.select(names)
    t = clip.times_s - clip.times_s[0]
    column = {n: clip.values[:, i] for i, n in enumerate(names)}
    mouth = np.stack([v for n, v in column.items() if n.startswith(("mouth", "jaw"))], 1)
    speed = np.linalg.norm(np.gradient(mouth, t, axis=0), axis=1)
    blink = np.abs(np.gradient(column["eyeBlinkLeft"], t))
    brows = sum(v for n, v in column.items() if n.startswith("brow"))
    found: list[float] = []
    for score in (column["jawOpen"], speed, blink, brows):
        usable = score.copy()
        for taken in found:
            usable[np.abs(t - taken) < seconds] = -np.inf
        usable[(t < seconds) | (t > t[-1] - seconds)] = -np.inf
        found.append(float(t[int(usable.argmax())]))
    rows: list[np.ndarray] = []
    length, fade = int(seconds * rate), int(0.15 * rate)
    ramp = np.linspace(0, 1, fade)[:, None]
    for middle in found:
        at = middle - seconds / 2 + np.arange(length) / rate
        part = np.stack([np.interp(at, t, v) for v in clip.values.T], 1)
        if rows:
            rows[-1][-fade:] = rows[-1][-fade:] * (1 - ramp) + part[:fade] * ramp
            part = part[fade:]
        rows.append(part)
    values = np.concatenate(rows)
    times = np.arange(len(values)) / rate
    yaw = np.radians(35) * np.sin(2 * np.pi * times / times[-1])
    pitch = np.radians(10) * np.sin(2 * np.pi * 2.0 * times)
    roll = np.radians(6) * np.sin(2 * np.pi * 0.7 * times)
    values = np.c_[values, yaw, pitch, roll].astype(np.float32)
    return Clip(names=(*names, "headYaw", "headPitch", "headRoll"), times_s=times, values=values)


def record_stress(
    template: Template, take: Clip, seed: int, rate_hz: float, cache: Path
) -> StressRecording:
    """Rendered and tracked once; images and points are kept in the folder `cache`."""
    person = SyntheticPerson.make(template, seed, hair=HairStyle.random(seed))
    clip = hardest_parts(take)
    count = int((clip.duration_s - 1 / rate_hz) * rate_hz)
    times = np.arange(count) / rate_hz
    exposure = SHUTTER / rate_hz * ((np.arange(MOMENTS) + 0.5) / MOMENTS - 0.5) + 0.5 / rate_hz
    weights, angles = perform(clip, person.rig.shape_names, times + 0.5 / rate_hz)
    (camera,) = view_cameras(person, 1, SIZE, seed)
    path = cache / f"{seed}-{rate_hz:g}.npz"
    if not path.exists():
        images = _render(person, clip, times, exposure, camera, seed)
        images = _compressed(images, rate_hz)
        tracker = Tracker(focal_px=float(camera.K[0, 0]))
        points = np.full((count, 478, 2), np.nan, np.float32)
        for n, image in enumerate(images):
            faces = tracker.track(image)
            if faces:
                points[n] = faces[0].landmarks[:, :2]
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(unfinished, images=images, points=points)
        unfinished.replace(path)
    with np.load(path) as kept:
        images, points = kept["images"], kept["points"].copy()
    jumps = [int(share * count) for share in JUMPS]
    for n, offset in zip(jumps, ((70.0, 25.0), (-50.0, -60.0)), strict=True):
        middle = points[n].mean(0)
        points[n] = 0.8 * (points[n] - middle) + middle + np.array(offset)
    recording = CameraRecording(images, times, camera, None, points)
    return StressRecording(person, recording, weights, head_matrices(person.rig, angles), jumps)


def _render(
    person: SyntheticPerson, clip: Clip, times: np.ndarray, exposure: np.ndarray, camera: Camera,
    seed: int,
) -> np.ndarray:  # fmt: skip
    """(T, SIZE, SIZE, 3) sRGB: means of what the shutter lets in."""
    renderer = HeadRenderer(person.rig)
    assert person.hair is not None
    renderer.set_meshes([person.hair.mesh])
    scene = RandomScene(seed, size=SIZE)
    light, background = scene.light, scene.background
    rng = np.random.default_rng((seed, 51))
    images = np.empty((len(times), SIZE, SIZE, 3), np.uint8)
    for n, time_s in enumerate(times):
        weights, angles = perform(clip, person.rig.shape_names, time_s + exposure)
        matrices = head_matrices(person.rig, angles)
        total = np.zeros((SIZE, SIZE, 3), np.float64)
        for k in range(len(exposure)):
            posed = pose_person(person, weights[k], angles[k], matrices[k], bend_neck=False)
            image = renderer.render(
                posed.vertices, camera, light.lighting, background, light.exposure, posed.placed
            )
            total += linear_from_srgb(image)
        mean = torch.from_numpy(total / len(exposure))
        codes = 255 * srgb_from_linear(mean).numpy()
        images[n] = np.rint(codes + rng.normal(0, 1.5, codes.shape)).clip(0, 255)
    return images


def _compressed(images: np.ndarray, rate_hz: float) -> np.ndarray:
    """The same after H.264 at the rate of a phone's video."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=round(rate_hz))
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = int(BITS_PER_PIXEL * SIZE * SIZE * rate_hz)
        for n, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = n
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as back:
        return np.stack([f.to_ndarray(format="rgb24") for f in back.decode(video=0)])
