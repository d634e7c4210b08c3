"""Heads that every rig starts from."""

from mien_training.templates.load import load_template
from mien_training.templates.template import IdentityBasis, LandmarkMap, Template
from mien_training.templates.to_rig import rig_from_template

__all__ = ["IdentityBasis", "LandmarkMap", "Template", "load_template", "rig_from_template"]
