"""What a result depends on, as one hash of its content: caches and checkpoints are bound to it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

__all__ = ["array_digest"]


def array_digest(arrays: Iterable[NDArray[np.generic]]) -> str:
    """SHA-256 of shapes, types and values, in order."""
    whole = sha256()
    for array in arrays:
        whole.update(repr((array.shape, str(array.dtype))).encode())
        whole.update(np.ascontiguousarray(array).data)
    return whole.hexdigest()
