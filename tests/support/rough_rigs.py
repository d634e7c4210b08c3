"""What an optimisation might leave behind: a template's rig under smooth and under single noise."""

import numpy as np

from mien_training.synthetic.smooth_field import SmoothField


def rough_rig(template, seed, neutral_m=0.002, deltas_m=0.001, single_m=2e-4):
    """Neutral and shapes of `template` off by smooth fields of that root mean square; eyes and
    teeth in the neutral by `single_m` a vertex besides, so that they are no rigid parts."""
    rng = np.random.default_rng(seed)
    v = template.vertices

    def field(size):
        return SmoothField(rng, 3, 0.04, 0.1)(v) * size / np.sqrt(3)

    parts = (template.regions["eyes"] | template.regions["teeth"])[:, None]
    neutral = v + field(neutral_m) + rng.normal(0, single_m, v.shape) * parts
    deltas = template.shape_deltas + np.stack([field(deltas_m) for _ in template.shape_names])
    return neutral.astype(np.float32), deltas.astype(np.float32)
