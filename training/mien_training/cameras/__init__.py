"""Cameras and camera rigs: pinhole models, batches of them, calibration files."""

from mien_training.cameras.camera import Camera, clip_from_camera, look_at_camera, project

__all__ = ["Camera", "clip_from_camera", "look_at_camera", "project"]
