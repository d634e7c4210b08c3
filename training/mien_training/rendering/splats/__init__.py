"""Gaussian splats as differentiable images: the renderer and its reference."""
