"""A take of several cameras, read moment by moment."""

from mien_training.capture.take.frame_range import FrameRange, parse_frames
from mien_training.capture.take.multi_view_take import MultiViewTake, TakeMoment, open_take

__all__ = ["FrameRange", "MultiViewTake", "TakeMoment", "open_take", "parse_frames"]
