"""A scanned head becomes a rig: non-rigid registration."""
