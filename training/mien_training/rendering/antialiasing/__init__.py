"""Antialiasing that gives outlines, and whatever else moves in an image, their gradients."""
