"""A lens of many terms by k1 and k2 alone, where that is as good."""

from __future__ import annotations

import numpy as np

from mien_training.cameras.camera import Camera
from mien_training.cameras.lens import Lens, LensCamera, camera_with_lens, image_rays

__all__ = ["radial_fit"]


def radial_fit(camera: LensCamera) -> tuple[Camera, float]:
    """The camera with k1 and k2 in place of its lens, and the largest distance between where the
    two see a point, pixels, over the whole image; infinite where the lens reaches no ray.

    Least squares; everything else of the camera stays.
    """
    rays = image_rays(camera).reshape(-1, 2)
    if not np.isfinite(rays).all():
        return camera, np.inf
    bent = camera.distorted(rays)
    r2 = (rays * rays).sum(1, keepdims=True)
    focal = np.diagonal(camera.K)[:2]
    terms = np.stack([rays * r2 * focal, rays * r2 * r2 * focal], -1).reshape(-1, 2)
    k1, k2 = np.linalg.lstsq(terms, ((bent - rays) * focal).ravel(), rcond=None)[0].tolist()
    fitted = camera_with_lens(camera, Lens(k1, k2))
    apart = (fitted.distorted(rays) - bent) @ camera.K[:2, :2].T
    return fitted, float(np.linalg.norm(apart, axis=1).max())
