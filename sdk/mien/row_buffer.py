"""Rows that keep coming: times and values of a recording while it grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["RowBuffer"]

_CHUNK = 1024


class RowBuffer:
    """Appends rows of float32 values with a float64 time each; costs 4 bytes a value.

    A row counts only when it is complete, so an interrupted `append` leaves whole rows.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._times: list[NDArray[np.float64]] = []
        self._values: list[NDArray[np.float32]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, time_s: float, values: ArrayLike) -> None:
        """One more row: seconds, and as many values as there are columns."""
        chunk, row = divmod(self._count, _CHUNK)
        if chunk == len(self._values):
            self._values.append(np.empty((_CHUNK, self._columns), np.float32))
        if chunk == len(self._times):
            self._times.append(np.empty(_CHUNK, np.float64))
        self._times[chunk][row] = time_s
        self._values[chunk][row] = values
        self._count += 1

    def row(self, index: int) -> tuple[float, NDArray[np.float32]]:
        """Time and values (columns,) of one row; the values are a view."""
        chunk, row = divmod(index, _CHUNK)
        return float(self._times[chunk][row]), self._values[chunk][row]

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(T,) seconds."""
        return np.concatenate([np.empty(0), *self._times])[: self._count]

    @property
    def values(self) -> NDArray[np.float32]:
        """(T, columns)"""
        return np.concatenate([np.empty((0, self._columns), np.float32), *self._values])[
            : self._count
        ]
