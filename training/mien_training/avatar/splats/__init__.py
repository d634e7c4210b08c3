"""Gaussian splats on the anchors."""
