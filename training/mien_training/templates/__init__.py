"""Heads that every rig starts from."""

from mien_training.templates.load import load_template
from mien_training.templates.template import (
    MATERIALS,
    REGIONS,
    IdentityBasis,
    LandmarkMap,
    Template,
)
from mien_training.templates.to_rig import rig_from_template

__all__ = [
    "MATERIALS",
    "REGIONS",
    "IdentityBasis",
    "LandmarkMap",
    "Template",
    "load_template",
    "rig_from_template",
]
