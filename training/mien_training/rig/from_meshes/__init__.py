"""A person's rig from captured meshes: example-based facial rigging, with the pose solved along."""
