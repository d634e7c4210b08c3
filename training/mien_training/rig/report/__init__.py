"""The page that shows how well a rig was fitted."""
