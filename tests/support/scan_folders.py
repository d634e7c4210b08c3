"""Scans as a scanner would write them."""

import trimesh


def write_scan(path, vertices, triangles):
    """A mesh file; (V, 3) in any unit."""
    trimesh.Trimesh(vertices, triangles, process=False).export(path)
