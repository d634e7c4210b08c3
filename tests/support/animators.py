"""Small animator weights for tests, drawn from a seed."""

from __future__ import annotations

import numpy as np

from mien_exporters.animator_weights import AnimatorWeights

GROUPS = (("scores", 52), ("head_rotation", 3), ("dt", 1))
CHANNELS = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "tongueOut")


def small_weights(seed: int = 0, hidden: int = 12, embed: int = 10) -> AnimatorWeights:
    """56 features, 20 components, 5 channels; its outputs reach both ends of 0..1."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int, spread: float = 0.3) -> np.ndarray:
        return rng.normal(0, spread, shape).astype(np.float32)

    f, p, c = sum(size for _, size in GROUPS), 20, len(CHANNELS)
    return AnimatorWeights(
        mean=draw(f),
        projection=draw(f, p),
        embed_w=draw(embed, p),
        embed_b=draw(embed),
        lstm_w_ih=draw(4 * hidden, embed, spread=0.8),
        lstm_w_hh=draw(4 * hidden, hidden),
        lstm_b_ih=draw(4 * hidden),
        lstm_b_hh=draw(4 * hidden),
        out_w=draw(c, hidden + embed, spread=0.4),
        skip_w=draw(c, p, spread=0.1),
        out_b=draw(c) + np.float32(0.4),
        channel_names=CHANNELS,
        groups=GROUPS,
    )
