"""Pictures of heads: cameras, visibility, shading, procedural looks, random scenes, previews."""

from mien_training.rendering.camera import Camera, clip_from_camera, look_at_camera, project
from mien_training.rendering.head_renderer import HeadRenderer
from mien_training.rendering.shading import Lighting, studio_lighting
from mien_training.rendering.visibility import RasterOut, interpolate, rasterize, texture

__all__ = [
    "Camera",
    "HeadRenderer",
    "Lighting",
    "RasterOut",
    "clip_from_camera",
    "interpolate",
    "look_at_camera",
    "project",
    "rasterize",
    "studio_lighting",
    "texture",
]
