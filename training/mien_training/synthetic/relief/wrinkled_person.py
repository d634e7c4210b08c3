"""Images of a synthetic person whose wrinkles, light and performance are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.deform import blend
from mien_training.cameras import Camera, look_at_camera
from mien_training.head import Template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.relief.drawn_relief import DrawnRelief
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.synthetic.degradation import Degradation
from mien_training.synthetic.hair import HairStyle
from mien_training.synthetic.person import SyntheticPerson
from mien_training.synthetic.posing import head_matrices, pose_person
from mien_training.synthetic.relief.skin_relief import ReliefMaps, SkinRelief
from mien_training.synthetic.relief.true_gates import TrueGates
from mien_training.synthetic.scene import RandomScene

__all__ = ["WrinkledFrames", "WrinkledPerson"]

Float32Array = NDArray[np.float32]
_DRAWN = 512
"""Side of the atlas in images, texels: 0.3 mm."""


@dataclass(frozen=True, eq=False)
class WrinkledFrames:
    """E images of one camera, and their truth."""

    images: NDArray[np.uint8]
    """(E, S, S, 3) sRGB."""
    camera: Camera
    vertices: Float32Array
    """(E, V, 3) of the template's vertices in the world, metres."""
    weights: Float32Array
    """(E, K)"""


@dataclass(frozen=True, eq=False)
class WrinkledPerson:
    """Somebody with skin."""

    person: SyntheticPerson
    atlas: FaceAtlas
    relief: SkinRelief
    gates: TrueGates

    @classmethod
    def make(
        cls, template: Template, seed: int, age: float | None = None, texture_side: int = 1024,
        hair: HairStyle | None = None,
    ) -> WrinkledPerson:  # fmt: skip
        """Random person `seed`, of a random age if None; hair: strands instead of paint."""
        person = SyntheticPerson.make(template, seed, texture_side=texture_side, hair=hair)
        own = _as_template(template, person)
        relief = SkinRelief.draw(FaceFrame.of(own, person.neutral), seed, age)
        return cls(person, FaceAtlas.of(own), relief, TrueGates.of(person.rig))

    def maps(self, size: int) -> Float32Array:
        """(3, size, size) heights at rest, and what compression and stretch add, metres."""
        texels = self.atlas.texels(size)
        found: ReliefMaps = self.relief.at(texels.interpolate(self.person.neutral))
        image = np.zeros((3, size * size), np.float32)
        image[:, texels.texel] = (found.at_rest, found.compressed, found.stretched)
        return image.reshape(3, size, size)

    def gate_maps(self, weights: Float32Array, size: int) -> tuple[Float32Array, Float32Array]:
        """Compression and stretch (E, size, size), 0..1, at shape weights (E, K)."""
        first = np.unique(self.person.source, return_index=True)[1]
        both = self.gates.at(blend(self.person.rig, weights))
        texels = self.atlas.texels(size)
        images = []
        for gate in both:
            image = np.zeros((len(weights), size * size), np.float32)
            image[:, texels.texel] = texels.interpolate(gate[:, first].T).T
            images.append(image.reshape(len(weights), size, size))
        return images[0], images[1]

    def heights(self, weights: Float32Array, size: int) -> Float32Array:
        """(E, size, size) true heights at shape weights (E, K), metres."""
        rest, compressed, stretched = self.maps(size)
        press, pull = self.gate_maps(weights, size)
        return np.asarray(rest + press * compressed + pull * stretched, np.float32)

    def photograph(
        self, weights: Float32Array, angles: NDArray[np.float64], scene: RandomScene,
        smooth: bool = False,
    ) -> WrinkledFrames:  # fmt: skip
        """Images at weights (E, K) and yaw, pitch, roll (E, 3), radians, in one light and through
        one camera; smooth: without the relief."""
        person = self.person
        renderer = HeadRenderer(person.rig)
        if person.hair is not None:
            renderer.set_meshes([person.hair.mesh])
        camera = portrait_camera(person, scene.seed, scene.size)
        matrices = head_matrices(person.rig, angles)
        heights = self.heights(weights, _DRAWN)
        places = self.atlas.places[person.source]
        first = np.unique(person.source, return_index=True)[1]
        degradation: Degradation = scene.degradation
        images, posed_vertices = [], []
        for e, row in enumerate(weights):
            posed = pose_person(person, row, angles[e], matrices[e], False)
            if not smooth:
                renderer.relief = DrawnRelief.of(places, person.rig.triangles, heights[e])
            image = renderer.render(
                posed.vertices, camera, scene.light.lighting, scene.background,
                scene.light.exposure, posed.placed,
            )  # fmt: skip
            images.append(degradation.apply(image, e))
            posed_vertices.append(posed.vertices[first])
        return WrinkledFrames(
            np.stack(images), camera, np.stack(posed_vertices).astype(np.float32), weights
        )


def portrait_camera(person: SyntheticPerson, seed: int, size: int) -> Camera:
    """Before the face, which fills most of the image."""
    rng = np.random.default_rng((seed, 53))
    template = person.template
    face = template.landmarks.positions(person.neutral, template.triangles)
    low, high = np.nanmin(face, 0), np.nanmax(face, 0)
    middle, height = 0.5 * (low + high), float(high[1] - low[1])
    distance = rng.uniform(0.7, 1.1)
    yaw, pitch = rng.normal(0, 0.08), rng.normal(0.03, 0.06)
    towards = np.array([np.sin(yaw), np.sin(pitch), np.cos(yaw)])
    fov = 2 * np.arctan(0.5 * height * rng.uniform(1.25, 1.45) / distance)
    return look_at_camera(middle + distance * towards, middle, float(fov), size, size)


def _as_template(template: Template, person: SyntheticPerson) -> Template:
    return replace(template, vertices=person.neutral, shape_deltas=person.deltas)
