"""What hides parts of heads: hair, caps, beards, glasses, clothes."""

from mien_training.synthetic.capture.occluders.wear import WearSpec, draw_clothes, draw_hair
from mien_training.synthetic.capture.occluders.worn import Worn

__all__ = ["WearSpec", "Worn", "draw_clothes", "draw_hair"]
