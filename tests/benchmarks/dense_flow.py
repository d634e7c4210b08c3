"""Dense optical flow by OpenCV: what no step of a fit has used."""

from __future__ import annotations

import numpy as np

__all__ = ["dense_flow"]


def dense_flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(H, W, 2) float32 pixels right and down, of (H, W, 3) uint8 sRGB images.

    Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search", at full resolution with
    variational refinement.
    """
    import cv2  # dense flow is asked for by measurements alone, never by --render

    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(0)
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (before, after)]
    return np.asarray(method.calc(grey[0], grey[1], None))
