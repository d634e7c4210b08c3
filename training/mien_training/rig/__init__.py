"""A person's own rig from their video, and the measures by which such a rig is judged."""
