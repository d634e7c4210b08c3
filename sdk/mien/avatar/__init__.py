"""Photoreal heads: what they are anchored to."""

from mien.avatar.anchors import AnchorPoses, Anchors, displacement_image, pose_anchors, raise_layers

__all__ = ["AnchorPoses", "Anchors", "displacement_image", "pose_anchors", "raise_layers"]
