"""A synthetic person: every number is known, so that a fit from video can be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.channels import HEAD_CHANNELS
from mien.clip import Clip
from mien.errors import InputError
from mien.rig import Rig
from mien_training.anatomy.eyelids import fit_eyelids
from mien_training.cameras import Camera, look_at_camera
from mien_training.footage.observations import CameraRecording
from mien_training.head import Template, rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import Look, paint_materials
from mien_training.synthetic.ground_truth import Footage, ViewTruth
from mien_training.synthetic.hair import HairStyle, StrandHair, grow_hair
from mien_training.synthetic.personal_shapes import field_points, personal_deltas
from mien_training.synthetic.posing import head_matrices, pose_person
from mien_training.synthetic.scene import RandomScene
from mien_training.synthetic.smooth_field import SmoothField

__all__ = [
    "SyntheticPerson", "off_basis_neutral", "perform", "personal_geometry", "record_views",
    "view_cameras",
]  # fmt: skip

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_ANGLES = HEAD_CHANNELS[:3]
_YAWS = (0.0, 0.65, -0.65)
"""Where the cameras stand around the head, radians; positive is the image's right."""


@dataclass(frozen=True, eq=False)
class SyntheticPerson:
    """Somebody that the template has never seen."""

    template: Template
    """What a fit may start from: it holds neither this person's neutral nor their shapes."""
    seed: int
    neutral: Float32Array
    """(V, 3) true neutral in the template's topology, metres, rig space."""
    deltas: Float32Array
    """(K, V, 3) true shapes in the template's order, metres."""
    rig: Rig
    """The same with painted materials; vertices split at UV seams."""
    source: NDArray[np.int32]
    """(V',) template vertex of each vertex of `rig`."""
    hair: StrandHair | None = None
    """Strands upon the scalp; None: painted, or none at all (`Look.hair_cover`)."""

    @classmethod
    def make(
        cls,
        template: Template,
        seed: int,
        strength: float = 1.0,
        off_basis_m: float = 0.001,
        texture_side: int = 512,
        hair: HairStyle | None = None,
    ) -> SyntheticPerson:
        """A random identity of the template, with a look and shapes of its own.

        strength: of `personal_deltas`; off_basis_m: root mean square of a smooth displacement that
        the template's identities cannot express; texture_side: texels; hair: strands instead of
        paint. Raises InputError for a template of one person only, or numbers below 0.
        """
        neutral, deltas = personal_geometry(template, seed, strength, off_basis_m)
        look = Look.random(seed)
        if hair is not None:
            look = replace(look, hair_cover=1.0)
        materials = paint_materials(template, neutral, look, texture_side)
        rig, source = rig_from_template(
            replace(template, shape_deltas=deltas),
            f"known-{seed}",
            neutral - template.vertices,
            materials,
        )
        strands = None if hair is None else grow_hair(template, neutral, hair, look.hair_colour)
        return cls(template, seed, neutral, deltas, rig, source, strands)


def personal_geometry(
    template: Template, seed: int, strength: float, off_basis_m: float
) -> tuple[Float32Array, Float32Array]:
    """(V, 3) neutral and (K, V, 3) shapes of person `seed`, metres; `SyntheticPerson.make`."""
    neutral = off_basis_neutral(template, seed, off_basis_m)
    deltas = personal_deltas(template, seed, strength)
    return fit_eyelids(template, neutral, deltas)


def off_basis_neutral(
    template: Template, seed: int, off_basis_m: float, shortest_m: float = 0.05
) -> Float32Array:
    """(V, 3) head of person `seed`, metres, before its lids are fitted.

    One of the template's identities, and a smooth field that they cannot express: `off_basis_m`
    root mean square, of wavelengths from `shortest_m` to 0.11 m. Raises InputError for a template
    of one person only, or a number below 0.
    """
    if template.identity is None:
        raise InputError(f"SyntheticPerson: template {template.name!r} is one person only")
    if not off_basis_m >= 0:
        raise InputError(f"SyntheticPerson: off_basis_m {off_basis_m}, expected a number >= 0")
    usual = template.vertices + template.identity.sample(seed)
    own = SmoothField(np.random.default_rng((seed, 11)), 3, shortest_m, 0.11)
    change = own(field_points(template, usual)) * (off_basis_m / np.sqrt(3))
    return np.asarray(usual + change, np.float32)


def perform(
    clip: Clip, shape_names: Sequence[str], times_s: Float64Array
) -> tuple[Float32Array, Float64Array]:
    """(T, K) weights in 0..1 and (T, 3) yaw, pitch, roll in radians at (T,) times of the clip.

    Linear between the clip's rows; channels that it lacks are 0. Raises InputError for times
    outside the clip.
    """
    first, last = float(clip.times_s[0]), float(clip.times_s[-1])
    outside = (times_s < first - 1e-9) | (times_s > last + 1e-9)
    if outside.any():
        raise InputError(
            f"perform: time {times_s[outside][0]:.4f} s, the clip runs from {first:.4f} to "
            f"{last:.4f} s"
        )
    rows = clip.select((*shape_names, *_ANGLES), missing=0.0).values
    values = np.stack([np.interp(times_s, clip.times_s, column) for column in rows.T], 1)
    count = len(shape_names)
    return values[:, :count].clip(0, 1).astype(np.float32), values[:, count:]


def view_cameras(person: SyntheticPerson, cameras: int, size: int, seed: int) -> tuple[Camera, ...]:
    """One camera in front of the person, or three around them; the face fills most of the image.

    Distance, height and angle differ a little with the seed. Raises InputError for other numbers.
    """
    if cameras not in (1, 3):
        raise InputError(f"view_cameras: {cameras} cameras, expected 1 or 3")
    if size < 16:
        raise InputError(f"view_cameras: size {size}, expected at least 16 pixels")
    template = person.template
    face = template.landmarks.positions(person.neutral, template.triangles)
    low, high = np.nanmin(face, 0), np.nanmax(face, 0)
    middle, height = 0.5 * (low + high), float(high[1] - low[1])
    found = []
    for c in range(cameras):
        rng = np.random.default_rng((seed, 21, c))
        yaw, pitch = _YAWS[c] + rng.normal(0, 0.05), rng.normal(0.03, 0.06)
        distance = rng.uniform(0.85, 1.1)
        towards = [np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)]
        fov = 2 * np.arctan(0.5 * height * rng.uniform(1.5, 1.65) / distance)
        eye = middle + distance * np.array(towards)
        found.append(look_at_camera(eye, middle, float(fov), size, size))
    return tuple(found)


def record_views(
    person: SyntheticPerson,
    clip: Clip,
    cameras: int = 1,
    rate_hz: float = 30.0,
    offsets_frames: Sequence[float] = (0.0, 0.37, -0.61),
    size: int = 256,
    seed: int = 0,
    bend_neck: bool = False,
    noise_codes: float = 1.0,
) -> Footage:
    """The person performs `clip` before 1 or 3 cameras whose clocks disagree.

    All clocks tick at `rate_hz` and show the same times, which are the clip's; a camera takes the
    image that its clock calls tau at tau + offset. `offsets_frames`: of each camera, frames;
    further ones are not used. `seed`: lights, cameras, backgrounds, sensor noise (of standard
    deviation `noise_codes`, 8-bit codes). The head moves rigidly with its neck unless `bend_neck`,
    which leaves the shoulders behind. Frames are those at which every camera is inside the clip.
    Raises InputError for too few offsets, a clip that is too short, or numbers out of range.
    """
    if not rate_hz > 0 or not noise_codes >= 0:
        raise InputError(f"record_views: rate_hz {rate_hz}, noise_codes {noise_codes}")
    views = view_cameras(person, cameras, size, seed)
    if len(offsets_frames) < cameras:
        raise InputError(f"record_views: {len(offsets_frames)} offsets for {cameras} cameras")
    offsets = np.array(offsets_frames[:cameras], np.float64)
    last = np.floor(clip.duration_s * rate_hz - max(offsets.max(), 0.0) + 1e-6)
    frames = np.arange(np.ceil(-min(offsets.min(), 0.0) - 1e-6), last + 1)
    if not len(frames):
        raise InputError(
            f"record_views: a clip of {clip.duration_s:.3f} s is too short for offsets of "
            f"{offsets.tolist()} frames at {rate_hz} Hz"
        )
    times = clip.times_s[0] + frames / rate_hz
    renderer = HeadRenderer(person.rig)
    if person.hair is not None:
        renderer.set_meshes([person.hair.mesh])
    light = RandomScene(seed, size=size).light
    recordings, truths = [], []
    for c, (camera, offset) in enumerate(zip(views, offsets / rate_hz, strict=True)):
        inside = np.clip(times + offset, clip.times_s[0], clip.times_s[-1])  # but for rounding
        weights, angles = perform(clip, person.rig.shape_names, inside)
        matrices = head_matrices(person.rig, angles)
        images = np.empty((len(times), size, size, 3), np.uint8)
        masks = np.empty((len(times), size, size), np.bool_)
        rng = np.random.default_rng((seed, 31, c))
        background = RandomScene(int(rng.integers(2**31)), size=size).background
        for t, row in enumerate(weights):
            posed = pose_person(person, row, angles[t], matrices[t], bend_neck)
            clean = renderer.render(
                posed.vertices, camera, light.lighting, background, light.exposure, posed.placed
            )
            noisy = clean + noise_codes * rng.standard_normal(clean.shape, np.float32)
            images[t] = np.rint(noisy).clip(0, 255)
            masks[t] = renderer.visible(posed.vertices, camera, posed.placed) >= 0
        recordings.append(CameraRecording(images, times.copy(), camera, masks))
        truths.append(ViewTruth(float(offset), weights, matrices))
    return Footage(tuple(recordings), tuple(truths), person.rig.shape_names, rate_hz)
