"""Wrinkles and pores of synthetic people, whose every height is known."""

from mien_training.synthetic.relief.skin_relief import ReliefMaps, SkinRelief

__all__ = ["ReliefMaps", "SkinRelief"]
