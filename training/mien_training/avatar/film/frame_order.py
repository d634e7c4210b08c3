"""In which order a training sees the frames of its film."""

from __future__ import annotations

import numpy as np

__all__ = ["frame_of_step"]


def frame_of_step(step: int, count: int, seed: int, stream: int) -> int:
    """Every one of `count` frames once a round, in an order of its own: by the step alone, so that
    a run that was interrupted goes on with the frames that it has not had. stream: a number of each
    kind of training."""
    passed, place = divmod(step, count)
    return int(np.random.default_rng((seed, stream, passed)).permutation(count)[place])
