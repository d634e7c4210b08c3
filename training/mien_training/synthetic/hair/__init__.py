"""Strand hair: styles drawn from a seed, grown from the scalp, drawn as ribbons."""

from mien_training.synthetic.hair.grow import grow_hair
from mien_training.synthetic.hair.ribbons import StrandHair
from mien_training.synthetic.hair.style import HairStyle

__all__ = ["HairStyle", "StrandHair", "grow_hair"]
