"""Known truth for photoreal avatars: people with hair and wrinkles, pixel by pixel."""

from mien_training.synthetic.avatar.region_masks import REGIONS, RegionMasks
from mien_training.synthetic.avatar.truth import AvatarTruth, TruthFrames

__all__ = ["REGIONS", "AvatarTruth", "RegionMasks", "TruthFrames"]
