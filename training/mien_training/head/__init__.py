"""What a head is: topology, regions, landmarks, joints, named shapes, as plain arrays."""

from mien_training.head.template import (
    MATERIALS,
    REGIONS,
    IdentityBasis,
    LandmarkMap,
    Template,
)
from mien_training.head.to_rig import rig_from_template, rig_vertex_of_template

__all__ = [
    "MATERIALS",
    "REGIONS",
    "IdentityBasis",
    "LandmarkMap",
    "Template",
    "rig_from_template",
    "rig_vertex_of_template",
]
