"""A moment's pictures, cut out around the head, with the captured mesh over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien_training.cameras import Camera
from mien_training.capture.localisation import HeadCrop, head_crops
from mien_training.head import Template, rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.reports.head_stills import GROUND, INK, clay_materials, write

__all__ = ["MomentTiles", "front_camera", "sheet_of"]

ImageArray = NDArray[np.uint8]

_SHARE = 0.5
"""Of the mesh, where it lies over the picture."""
_GAP = 4


class MomentTiles:
    """Draws tiles of one size; holds what does not change between moments."""

    def __init__(self, template: Template, side: int = 192, show_pictures: bool = True) -> None:
        """show_pictures False: the mesh alone, and not a pixel of what was filmed."""
        rig, self._source = rig_from_template(template, "clay", None, clay_materials(template))
        self._renderer = HeadRenderer(rig, samples=2)
        self.side, self.show_pictures = side, show_pictures

    def row(
        self,
        images: Sequence[ImageArray],
        cameras: Sequence[Camera],
        vertices: NDArray[np.float32],
        world_from_head: NDArray[np.float64],
    ) -> list[ImageArray]:
        """A tile for each camera: the picture, and below it the mesh (V, 3), world, over it. Heads
        stand upright whatever way a camera lies."""
        crops = head_crops(cameras, world_from_head, self.side)
        return [
            self._tile(image, crop, vertices) for image, crop in zip(images, crops, strict=True)
        ]

    def _tile(self, image: ImageArray, crop: HeadCrop, vertices: NDArray[np.float32]) -> ImageArray:
        drawn, cover = self._renderer.render_with_coverage(
            vertices[self._source], crop.camera, background=GROUND
        )
        if not self.show_pictures:
            return drawn
        seen = np.broadcast_to(crop.image(image), (self.side, self.side, 3))
        share = _SHARE * cover[..., None]
        both = np.rint((1 - share) * seen + share * drawn).astype(np.uint8)
        return np.concatenate([seen, both])


def sheet_of(tiles: Sequence[ImageArray], names: Sequence[str], columns: int = 8) -> ImageArray:
    """Tiles of one size in rows, each with its name in a corner."""
    height, width = tiles[0].shape[:2]
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    size = (columns * (width + _GAP) - _GAP, rows * (height + _GAP) - _GAP)
    sheet = Image.new("RGB", size, GROUND)
    draw = ImageDraw.Draw(sheet)
    text = max(width / 16, 9)
    for n, (tile, name) in enumerate(zip(tiles, names, strict=True)):
        left, top = n % columns * (width + _GAP), n // columns * (height + _GAP)
        sheet.paste(Image.fromarray(np.ascontiguousarray(tile)), (left, top))
        box = draw.textbbox((0, 0), name, font_size=text)
        draw.rectangle((left, top, left + box[2] + 0.8 * text, top + 1.5 * text), fill=GROUND)
        write(draw, (left + 0.4 * text, top + 0.2 * text), name, text, INK)
    return np.asarray(sheet)


def front_camera(cameras: Sequence[Camera], world_from_head: NDArray[np.float64]) -> int:
    """The one that looks most straight into the face."""
    inverse = world_from_head[:3, :3].T
    middle = world_from_head[:3, 3]
    sights = [inverse @ (camera.centre - middle) for camera in cameras]
    return int(np.argmax([sight[2] / np.linalg.norm(sight) for sight in sights]))
