"""Where splats end: limits that every renderer here keeps, and the usual ones have."""

__all__ = [
    "BLUR",
    "FULL",
    "LARGEST_ALPHA",
    "LARGEST_DETERMINANT",
    "MARGIN",
    "NEAR_M",
    "SMALLEST_ALPHA",
    "TILE",
]

BLUR = 0.3
"""Pixels^2 added to both variances on the image: no Gaussian is thinner than about a pixel."""
NEAR_M = 0.01
"""Metres before the camera; means nearer than this have no image."""
MARGIN = 0.15
"""Share of the image beyond its borders up to which the projection's derivative follows the mean.
Further out it stays as it is there, or Gaussians beside the camera would smear over the image."""
SMALLEST_ALPHA = 1.0 / 255.0
"""Coverage of a pixel by one Gaussian below which nothing is drawn."""
LARGEST_ALPHA = 0.99
"""Of one Gaussian: something always shines through, so T can be divided out on the way back."""
FULL = 1.0e-4
"""Transmittance below which a pixel takes no more."""
LARGEST_DETERMINANT = 1.0e30
"""Of the covariance on the image, pixels^4; what is larger, or not a number, has no image."""
TILE = 16
"""Side of the squares that the image is drawn in, pixels."""
