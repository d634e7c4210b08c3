"""Channels that correct others never exceed them.

`mouthClose` shuts the lips over an open jaw. Without the jaw it pulls the lower lip through the
upper one; recordings of people hardly show it above `jawOpen` (a twentieth at most in one range of
motion), but a network that reads both from an image may.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["corrective_pairs", "limit_correctives"]

_CORRECTS = {"mouthClose": "jawOpen"}
_SLACK = 0.05
"""How far a corrective may exceed what it corrects."""


def corrective_pairs(channel_names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Rows of correctives, each with that of what it corrects; those that lack theirs are free.

    >>> corrective_pairs(["jawOpen", "mouthClose", "cheekPuff"])
    ((1, 0),)
    """
    index = {name: k for k, name in enumerate(channel_names)}
    pairs = ((index.get(a), index.get(b)) for a, b in _CORRECTS.items())
    return tuple((a, b) for a, b in pairs if a is not None and b is not None)


def limit_correctives(
    channels: NDArray[np.float32], pairs: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """(C,) values with correctives no larger than what they correct, but for a little.

    >>> limit_correctives(np.float32([0.2, 0.7]), [(1, 0)]).tolist()
    [0.20000000298023224, 0.25]
    """
    limited = channels.copy()
    for corrective, corrected in pairs:
        most = max(float(channels[corrected]), 0.0) + _SLACK
        limited[corrective] = min(float(limited[corrective]), most)
    return limited
