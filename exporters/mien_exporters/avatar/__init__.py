"""Gaussian splats as files that engines and viewers take: GLB, PLY, SPZ."""
