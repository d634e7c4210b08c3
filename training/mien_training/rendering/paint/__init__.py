"""Procedural textures for any template: skin of every tone, brows, lips, eyes, teeth, mouth."""

from mien_training.rendering.paint.look import Look
from mien_training.rendering.paint.materials import paint_materials

__all__ = ["Look", "paint_materials"]
