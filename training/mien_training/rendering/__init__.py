"""Images of heads: visibility, shading, antialiasing, procedural paint, previews."""

from mien_training.rendering.head_renderer import HeadRenderer
from mien_training.rendering.shading import Lighting, studio_lighting
from mien_training.rendering.visibility import RasterOut, interpolate, rasterize, texture

__all__ = [
    "RENDERING_VERSION",
    "HeadRenderer",
    "Lighting",
    "RasterOut",
    "interpolate",
    "rasterize",
    "studio_lighting",
    "texture",
]

RENDERING_VERSION = 1
"""Raised whenever the same head in the same scene gives another image: caches are keyed by it."""
