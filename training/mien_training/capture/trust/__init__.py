"""How far captured meshes are to be believed: vertices one by one, and moments as a whole."""

from mien_training.capture.trust.moment_failure import (
    FailureConfig,
    MomentEvidence,
    jump_failures,
    moment_failure,
    shape_evidence,
)
from mien_training.capture.trust.trust_model import TrustModel
from mien_training.capture.trust.vertex_residuals import vertex_residuals
from mien_training.capture.trust.vertex_trust import VertexTrust, vertex_trust
from mien_training.capture.trust.view_evidence import ViewEvidence, view_evidence

__all__ = [
    "FailureConfig", "MomentEvidence", "TrustModel", "VertexTrust", "ViewEvidence",
    "jump_failures", "moment_failure", "shape_evidence", "vertex_residuals", "vertex_trust",
    "view_evidence",
]  # fmt: skip
