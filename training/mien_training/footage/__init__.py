"""Real images in: videos, stills, masks, calibrated recordings, metric scale."""
