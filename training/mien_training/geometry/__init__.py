"""Pure mesh mathematics: Laplacians, distances, alignment, deformation."""
