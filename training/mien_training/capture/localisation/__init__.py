"""Where the head is, and images centred on it."""

from mien_training.capture.localisation.head_crops import HeadCrop, crop_cameras, head_crops
from mien_training.capture.localisation.head_pose import HeadPose, PoseConfig, locate_head
from mien_training.capture.localisation.map_rays import MapRays, map_rays

__all__ = [
    "HeadCrop", "HeadPose", "MapRays", "PoseConfig", "crop_cameras", "head_crops", "locate_head",
    "map_rays",
]  # fmt: skip
