"""Moments of seeded people before random camera rigs: what head capture is trained with."""

from mien_training.synthetic.capture.calibration_errors import believed_cameras
from mien_training.synthetic.capture.dataset.generate import generate_captures
from mien_training.synthetic.capture.dataset.read import CaptureReader, ViewBatch
from mien_training.synthetic.capture.moments import CaptureMoment, draw_moment
from mien_training.synthetic.capture.spec import CaptureDatasetSpec, CaptureSpec, SeedRange

__all__ = [
    "CaptureDatasetSpec", "CaptureMoment", "CaptureReader", "CaptureSpec", "SeedRange",
    "ViewBatch", "believed_cameras", "draw_moment", "generate_captures",
]  # fmt: skip
