"""First stage: identity, expression and pose from the tracker's landmarks."""
