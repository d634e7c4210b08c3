"""Mathematics of deforming meshes: differential coordinates, interior ties, intersections."""
