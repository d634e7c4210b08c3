"""Pictures of heads: cameras, visibility, shading, procedural looks, random scenes, previews."""

from mien_training.rendering.camera import Camera, clip_from_camera, look_at_camera, project
from mien_training.rendering.head_renderer import HeadRenderer
from mien_training.rendering.look import Look
from mien_training.rendering.painting import paint_materials
from mien_training.rendering.scene import RandomScene
from mien_training.rendering.shading import Lighting, studio_lighting
from mien_training.rendering.visibility import RasterOut, interpolate, rasterize, texture

__all__ = [
    "Camera",
    "HeadRenderer",
    "Lighting",
    "Look",
    "RandomScene",
    "RasterOut",
    "clip_from_camera",
    "interpolate",
    "look_at_camera",
    "paint_materials",
    "project",
    "rasterize",
    "studio_lighting",
    "texture",
]
