"""Somebody with hair, wrinkles, teeth and eyes before cameras: images, and all that is in them.

The wrinkles are drawn into images only; the mesh that a method is given knows nothing of them. So
pixels that an avatar can win by following the expression are known: those that differ from the same
pose with the wrinkles of the face at rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.head import Template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.relief.drawn_relief import DrawnRelief
from mien_training.synthetic.avatar.region_masks import (
    RegionMasks,
    outline_band,
    triangle_regions,
)
from mien_training.synthetic.hair import HairStyle
from mien_training.synthetic.light import Light
from mien_training.synthetic.posing import PosedPerson, head_matrices, pose_person
from mien_training.synthetic.relief.wrinkled_person import WrinkledPerson

__all__ = ["AvatarTruth", "TruthFrames"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Wrinkles = Literal["moving", "resting", "none"]

_COARSE, _FINE, _LARGE_PX = 256, 512, 384
"""Sides of the relief's atlas in texels, and the image's side from which on the finer is drawn."""
_SAMPLES = 3
"""Visibility samples per pixel and axis: hair is thin."""
_NOTICED = 3
"""Difference of a pixel, in 8-bit codes, from which on wrinkles count as seen."""


@dataclass(frozen=True, eq=False)
class TruthFrames:
    """T images and what is known of them."""

    images: NDArray[np.uint8]
    """(T, H, W, 3) sRGB, before the background."""
    alpha: Float32Array
    """(T, H, W) share of each pixel that head and hair cover."""
    masks: RegionMasks
    cameras: tuple[Camera, ...]
    """T"""
    weights: Float32Array
    """(T, K) in the rig's order."""
    angles: Float64Array
    """(T, 3) yaw, pitch and roll of the head, radians."""
    world_from_head: Float64Array
    """(T, 4, 4)"""
    vertices: Float32Array
    """(T, V, 3) the template's vertices in the world, metres, without wrinkles."""


@dataclass(frozen=True, eq=False)
class AvatarTruth:
    """One synthetic person in one light."""

    wrinkled: WrinkledPerson
    light: Light

    @classmethod
    def make(
        cls,
        template: Template,
        seed: int,
        hair: HairStyle | None = None,
        age: float = 0.8,
        texture_side: int = 1024,
    ) -> AvatarTruth:
        """Random person `seed`; hair None: of a random style. age: 0 to 1, deepens wrinkles."""
        style = HairStyle.random(seed, 5000) if hair is None else hair
        wrinkled = WrinkledPerson.make(template, seed, age, texture_side, style)
        return cls(wrinkled, Light.draw(np.random.default_rng((seed, 71)), "mild"))

    @property
    def template(self) -> Template:
        """Whose topology the vertices have; not their owner's shape."""
        return self.wrinkled.person.template

    @property
    def neutral(self) -> Float32Array:
        """(V, 3) metres, rig space."""
        return self.wrinkled.person.neutral

    @property
    def shape_names(self) -> tuple[str, ...]:
        """K names of weights."""
        return self.wrinkled.person.rig.shape_names

    @cached_property
    def _renderer(self) -> HeadRenderer:
        renderer = HeadRenderer(self.wrinkled.person.rig, samples=_SAMPLES)
        hair = self.wrinkled.person.hair
        if hair is not None:
            renderer.set_meshes([hair.mesh])
        return renderer

    @cached_property
    def _regions(self) -> NDArray[np.int8]:
        hair = self.wrinkled.person.hair
        return triangle_regions(self.template, 0 if hair is None else len(hair.mesh.triangles))

    def perform(
        self,
        weights: Float32Array,
        angles: Float64Array,
        cameras: Camera | Sequence[Camera],
        background: ArrayLike = (120, 120, 120),
        wrinkles: Wrinkles = "moving",
        compare: bool = True,
        outline_px: int = 3,
    ) -> TruthFrames:
        """Images at weights (T, K) and head angles (T, 3), radians, through one camera or T.

        The whole mesh moves with the skull. background: sRGB (3,), an image (H, W, 3), or one
        colour for each frame (T, 3). wrinkles: as the expression has them, those of the face at
        rest, or none. compare: draw each frame twice to know which pixels wrinkles change;
        otherwise no pixel counts as changed. Raises InputError for other shapes.
        """
        count = len(weights)
        through = (cameras,) * count if isinstance(cameras, Camera) else tuple(cameras)
        self._check(weights, angles, through, wrinkles)
        person = self.wrinkled.person
        behind = np.asarray(background, np.uint8)
        per_frame = behind.shape == (count, 3) and count != 1
        matrices = head_matrices(person.rig, angles)
        first = np.unique(person.source, return_index=True)[1]
        images, alphas, regions, outlines, changed, vertices = [], [], [], [], [], []
        for t, (row, camera) in enumerate(zip(weights, through, strict=True)):
            posed = pose_person(person, row, angles[t], matrices[t], False)
            back = behind[t] if per_frame else behind
            self._renderer.relief = self._relief(row, wrinkles, camera)
            image, alpha = self._draw(posed, camera, back)
            seen = self._renderer.visible(posed.vertices, camera, posed.placed)
            differs = np.zeros(alpha.shape, np.bool_)
            if compare and wrinkles != "none":
                other: Wrinkles = "resting" if wrinkles == "moving" else "moving"
                self._renderer.relief = self._relief(row, other, camera)
                twin, _ = self._draw(posed, camera, back)
                difference = np.abs(image.astype(np.int16) - twin).max(2)
                differs = difference >= _NOTICED
            images.append(image)
            alphas.append(alpha)
            regions.append(self._regions[seen])
            outlines.append(outline_band(alpha, outline_px))
            changed.append(differs)
            vertices.append(posed.vertices[first])
        masks = RegionMasks(np.stack(regions), np.stack(outlines), np.stack(changed))
        return TruthFrames(
            np.stack(images), np.stack(alphas), masks, through, np.asarray(weights, np.float32),
            np.asarray(angles, np.float64), matrices, np.stack(vertices).astype(np.float32),
        )  # fmt: skip

    def _check(
        self,
        weights: Float32Array,
        angles: Float64Array,
        cameras: tuple[Camera, ...],
        wrinkles: str,
    ) -> None:
        count, shapes = len(weights), len(self.shape_names)
        if not count or weights.shape != (count, shapes) or np.shape(angles) != (count, 3):
            raise InputError(
                f"AvatarTruth.perform: weights {weights.shape}, angles {np.shape(angles)}, "
                f"expected (T, {shapes}) and (T, 3)"
            )
        if len(cameras) != count:
            raise InputError(f"AvatarTruth.perform: {len(cameras)} cameras for {count} frames")
        if len({(c.height, c.width) for c in cameras}) != 1:
            raise InputError("AvatarTruth.perform: cameras with images of different sizes")
        if wrinkles not in ("moving", "resting", "none"):
            raise InputError(
                f"AvatarTruth.perform: wrinkles {wrinkles!r}, expected moving, resting or none"
            )

    @cached_property
    def _relief_maps(self) -> dict[int, Float32Array]:
        return {}

    def _relief(self, row: Float32Array, wrinkles: Wrinkles, camera: Camera) -> DrawnRelief | None:
        """Of a face with weights (K,)."""
        if wrinkles == "none":
            return None
        side = _FINE if max(camera.height, camera.width) >= _LARGE_PX else _COARSE
        if side not in self._relief_maps:
            self._relief_maps[side] = self.wrinkled.maps(side)
        rest, compressed, stretched = self._relief_maps[side]
        heights = rest
        if wrinkles == "moving":
            press, pull = self.wrinkled.gate_maps(row[None], side)
            heights = rest + press[0] * compressed + pull[0] * stretched
        person = self.wrinkled.person
        places = self.wrinkled.atlas.places[person.source]
        return DrawnRelief.of(places, person.rig.triangles, heights)

    def _draw(
        self, posed: PosedPerson, camera: Camera, background: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], Float32Array]:
        return self._renderer.render_with_coverage(
            posed.vertices, camera, self.light.lighting, background, self.light.exposure,
            posed.placed,
        )  # fmt: skip
