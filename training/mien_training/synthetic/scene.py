"""Random but repeatable scenes: who, lit how, seen by which camera, before what, how badly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera, look_at_camera
from mien_training.rendering.head_renderer import HeadRenderer
from mien_training.rendering.paint.look import Look
from mien_training.rendering.scene.scene_mesh import PlacedMesh
from mien_training.synthetic.background import draw_background
from mien_training.synthetic.degradation import Degradation
from mien_training.synthetic.light import Light, Strength, check_strength, pick

__all__ = ["RandomScene"]

ImageArray = NDArray[np.uint8]


@dataclass(frozen=True)
class RandomScene:
    """Everything but the performance, constant over one sequence and a function of the seed alone.

    Only sensor noise changes from frame to frame, and that too is a function of seed and frame.
    """

    seed: int
    strength: Strength = "mild"
    """mild: a decent webcam in a decent room. strong: everything that degrades images."""
    size: int = 320
    """Side of the square images, pixels."""
    look: Look = field(init=False)
    """The painted person; paint once per scene (`paint_materials`)."""
    light: Light = field(init=False)

    def __post_init__(self) -> None:
        check_strength("RandomScene", self.strength)
        if self.size < 16:
            raise InputError(f"RandomScene: size {self.size}, expected at least 16 pixels")
        rng = self._rng(0)
        object.__setattr__(self, "look", Look.random(int(rng.integers(2**31))))
        object.__setattr__(self, "light", Light.draw(rng, self.strength))

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, stream, 0))

    def camera(self, vertices: ArrayLike) -> Camera:
        """A camera before the neutral head with these (V, 3) vertices, metres, rig space.

        It stands about where the face looks; focal length, distance, offset and a slight turn
        differ from scene to scene. Call once per sequence with the neutral.
        """
        v = np.asarray(vertices, np.float64)
        low, high = v.min(0), v.max(0)
        rng = self._rng(1)
        height = high[1] - low[1]
        share = rng.uniform(0.80, 1.25) if self.strength == "mild" else rng.uniform(0.52, 1.25)
        fov = rng.uniform(0.30, 0.85)
        distance = 0.5 * height / share / np.tan(0.5 * fov)
        yaw, pitch = rng.normal(0.0, pick(self.strength, 0.05, 0.10), 2)
        shift = rng.uniform(-1, 1, 2) * height * max(1.0 / share - 0.85, 0.10) * 0.30
        target = 0.5 * (low + high) + (shift[0], shift[1], 0.0)
        around = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        roll = rng.normal(0.0, 0.04)
        # The face lies at the front of the box: measure the distance from there.
        eye = target + around * (distance + 0.35 * (high[2] - low[2]))
        camera = look_at_camera(
            eye, target, fov, self.size, self.size, (np.sin(roll), np.cos(roll), 0.0)
        )
        k1 = float(rng.normal(0.0, pick(self.strength, 0.01, 0.05)))
        return Camera(camera.K, camera.camera_from_world, self.size, self.size, k1, 0.0)

    @cached_property
    def background(self) -> ImageArray:
        """(size, size, 3) sRGB."""
        return draw_background(self._rng(2), self.size, self.strength)

    @cached_property
    def degradation(self) -> Degradation:
        """What the camera does to every image."""
        return Degradation.draw(self._rng(3), self.strength, self.size, self.seed)

    def render(
        self,
        renderer: HeadRenderer,
        vertices: NDArray[np.float32],
        camera: Camera,
        frame: int = 0,
        placed: Sequence[PlacedMesh] = (),
    ) -> ImageArray:
        """(size, size, 3) image of posed vertices as this scene's camera would deliver it."""
        clean = renderer.render(
            vertices, camera, self.light.lighting, self.background, self.light.exposure, placed
        )
        return self.degradation.apply(clean, frame)
