"""One person, performing, lit, seen, degraded: images with everything that is true of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien.rig import Rig
from mien_training.cameras import Camera, project
from mien_training.cameras.arrays import camera_array
from mien_training.head import Template, rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import Look, paint_materials
from mien_training.synthetic.background import draw_background
from mien_training.synthetic.degradation import Degradation
from mien_training.synthetic.factory.spec import LabelSpec, PersonSpec, SequenceSpec
from mien_training.synthetic.hair import HairStyle, StrandHair, grow_hair
from mien_training.synthetic.light import Light
from mien_training.synthetic.performance_spec import Performance
from mien_training.synthetic.person import personal_geometry
from mien_training.synthetic.posing import PosedPerson, pose_person
from mien_training.synthetic.scene import RandomScene

__all__ = ["LabelledFrame", "SyntheticSequence", "draw_sequence"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
ImageArray = NDArray[np.uint8]

_KEPT_RENDERERS = 3


@dataclass(frozen=True, eq=False)
class LabelledFrame:
    """One image, and what is true of it; the world is rig space at rest, metres."""

    image: ImageArray
    """(H, W, 3) sRGB."""
    mask: NDArray[np.bool_]
    """(H, W) pixels of which more than half shows the person, hair included."""
    part: NDArray[np.int8] | None
    """(H, W) index into `scene_mesh.PARTS` at each pixel's centre, -1 none; None: not asked for."""
    depth_m: Float32Array | None
    """(H, W) along the camera's axis; 0 none."""
    normals: Float32Array | None
    """(H, W, 3) unit, world, towards the camera; 0 none."""
    uv: Float32Array | None
    """(H, W, 2); 0 none."""
    vertices: Float32Array | None
    """(V, 3) posed, in the template's topology."""
    weights: Float32Array
    """(52,) in 0..1, ARKIT_CHANNELS order."""
    world_from_head: Float64Array
    """(4, 4) rigid motion of the skull."""
    landmarks: Float32Array
    """(478, 3) the tracker's points on the mesh; NaN where the template has no such place."""
    landmarks_px: Float32Array
    """(478, 2) their pixels."""
    camera: Camera
    view: int
    """Which camera of the sequence."""
    sequence: int
    """Which sequence of the data set."""
    identity: int
    """Seed of the person; -1 for the template's own head."""
    time_s: float
    """Since the sequence began."""
    in_time: bool
    """Whether the sequence's frames follow each other."""


@dataclass(frozen=True, eq=False)
class SyntheticSequence:
    """All factors drawn, nothing rendered yet. Sequences of one person share a renderer: render
    one at a time."""

    template: Template
    identity: int
    """Seed of the person; -1 for the template's own head."""
    rig: Rig
    source: NDArray[np.int32]
    """(V',) template vertex of each vertex of `rig`."""
    hair: StrandHair | None
    performance: Performance
    light: Light
    cameras: tuple[Camera, ...]
    backgrounds: tuple[ImageArray, ...]
    """One per camera, (H, W, 3) sRGB."""
    degradation: Degradation | None
    renderer: HeadRenderer

    def pose(self, weights: Float32Array, angles: Float64Array) -> PosedPerson:
        """The person with (52,) ARKIT_CHANNELS and yaw, pitch, roll (3,), radians."""
        order = [ARKIT_CHANNELS.index(name) for name in self.rig.shape_names]
        return pose_person(self, weights[order], angles)

    def image(self, posed: PosedPerson, frame: int, view: int = 0) -> ImageArray:
        """(H, W, 3) as camera `view` delivers it; `frame` places the sensor's noise."""
        return self._image_and_coverage(posed, frame, view)[0]

    def _image_and_coverage(
        self, posed: PosedPerson, frame: int, view: int
    ) -> tuple[ImageArray, Float32Array]:
        image, coverage = self.renderer.render_with_coverage(
            posed.vertices, self.cameras[view], self.light.lighting, self.backgrounds[view],
            self.light.exposure, posed.placed,
        )  # fmt: skip
        if self.degradation is not None:
            image = self.degradation.apply(image, frame * len(self.cameras) + view)
        return image, coverage

    def frames(self, labels: LabelSpec | None = None, sequence: int = 0) -> Iterator[LabelledFrame]:
        """Every frame of every camera, moment by moment, with the labels asked for."""
        labels = labels or LabelSpec()
        of_template = np.zeros(len(self.template.vertices), np.int64)
        of_template[self.source] = np.arange(len(self.source))
        performance = self.performance
        for t, row in enumerate(performance.weights):
            posed = self.pose(row, performance.angles[t])
            vertices = posed.vertices[of_template]
            points = self.template.landmarks.positions(vertices, self.template.triangles)
            for view, camera in enumerate(self.cameras):
                image, coverage = self._image_and_coverage(posed, t, view)
                maps = None
                if labels.part or labels.depth or labels.normals or labels.uv:
                    maps = self.renderer.label_maps(posed.vertices, camera, posed.placed)
                yield LabelledFrame(
                    image=image,
                    mask=coverage > 0.5,
                    part=maps.part if maps and labels.part else None,
                    depth_m=maps.depth_m if maps and labels.depth else None,
                    normals=maps.normals if maps and labels.normals else None,
                    uv=maps.uv if maps and labels.uv else None,
                    vertices=vertices if labels.vertices else None,
                    weights=row,
                    world_from_head=posed.world_from_head,
                    landmarks=points,
                    landmarks_px=project(camera, points)[0].astype(np.float32),
                    camera=camera,
                    view=view,
                    sequence=sequence,
                    identity=self.identity,
                    time_s=float(performance.times_s[t]),
                    in_time=performance.in_time,
                )


def draw_sequence(
    spec: SequenceSpec, template: Template, seed: int, scene_seed: int | None = None
) -> SyntheticSequence:
    """A function of spec, template and seeds alone, whatever was drawn before.

    `scene_seed` draws look, hair, light, camera, background and degradation; left out, `seed`,
    which draws performance and, if it is random, the person. Raises InputError where a person
    other than the template's own is asked of a template of one person.
    """
    scene_seed = seed if scene_seed is None else scene_seed
    performance = spec.performance.draw(seed)
    scene = RandomScene(scene_seed, spec.light, _size(spec))
    identity = _identity(spec.person, seed)
    hair_kind: str = spec.person.hair
    if hair_kind == "any":
        kind = int(np.random.default_rng((scene_seed, 8)).integers(3))
        hair_kind = ("none", "painted", "strands")[kind]
    look = scene.look
    if hair_kind != "painted":
        look = replace(look, hair_cover=1.0 if hair_kind == "strands" else 0.0)
    renderer, source, neutral = _renderer(spec.person, template, identity, look)
    hair = None
    if hair_kind == "strands":
        style = HairStyle.random(scene_seed, spec.person.strands)
        hair = grow_hair(template, neutral, style, look.hair_colour)
    renderer.set_meshes(() if hair is None else (hair.mesh,))
    cameras, backgrounds = _views(spec, scene, renderer.rig, scene_seed)
    degradation = None
    if spec.degradation == spec.light:
        degradation = scene.degradation
    elif spec.degradation != "none":
        degradation = RandomScene(scene_seed, spec.degradation, scene.size).degradation
    return SyntheticSequence(
        template, identity, renderer.rig, source, hair, performance, scene.light, cameras,
        backgrounds, degradation, renderer,
    )  # fmt: skip


def _size(spec: SequenceSpec) -> int:
    return spec.cameras.size if spec.cameras.array is None else spec.cameras.array.width


def _identity(person: PersonSpec, seed: int) -> int:
    if person.identity == "template":
        return -1
    if person.identity == "random":
        return int(np.random.default_rng((seed, 7)).integers(2**31))
    return int(person.identity)


def _views(
    spec: SequenceSpec, scene: RandomScene, rig: Rig, seed: int
) -> tuple[tuple[Camera, ...], tuple[ImageArray, ...]]:
    array = spec.cameras.array
    if array is None:
        return (scene.camera(rig.vertices),), (scene.background,)
    low, high = rig.vertices.min(0).astype(np.float64), rig.vertices.max(0).astype(np.float64)
    cameras = camera_array(array, 0.5 * (low + high), float(high[1] - low[1]), seed)
    behind = [
        draw_background(np.random.default_rng((seed, 2, 1 + c)), array.width, spec.light)
        for c in range(array.count)
    ]
    return cameras, tuple(behind)


_RENDERERS: dict[
    tuple[Template, int, float, float], tuple[HeadRenderer, NDArray[np.int32], Float32Array]
] = {}


def _renderer(
    person: PersonSpec, template: Template, identity: int, look: Look
) -> tuple[HeadRenderer, NDArray[np.int32], Float32Array]:
    """Somebody's renderer in this paint, `SyntheticSequence.source`, and their neutral (V, 3).

    The last few people are kept: light from the sky takes a second to work out.
    """
    if identity >= 0 and template.identity is None:
        raise InputError(
            f"PersonSpec.identity is {identity}, but template {template.name!r} is one person only"
        )
    key = (template, identity, person.shape_strength, person.off_basis_m)
    if key in _RENDERERS:
        renderer, source, neutral = _RENDERERS[key]
        materials = paint_materials(template, neutral, look, person.texture_side)
    else:
        offset, neutral, whole = None, template.vertices, template
        if identity >= 0 and template.identity is not None:
            offset = template.identity.sample(identity)
            neutral = template.vertices + offset
        if max(person.shape_strength, person.off_basis_m) > 0:
            neutral, deltas = personal_geometry(
                template, identity, person.shape_strength, person.off_basis_m
            )
            offset, whole = neutral - template.vertices, replace(template, shape_deltas=deltas)
        if len(_RENDERERS) >= _KEPT_RENDERERS:
            _RENDERERS.pop(next(reversed(_RENDERERS)))  # whoever comes first comes most often
        materials = paint_materials(template, neutral, look, person.texture_side)
        rig, source = rig_from_template(whole, "synthetic", offset, materials)
        renderer = HeadRenderer(rig, texture_size=person.texture_side)
        _RENDERERS[key] = renderer, source, neutral
    renderer.set_materials(materials, person.texture_side)
    return renderer, source, neutral
