"""The latest item wins: a live source read in a thread, so that nothing old waits in a queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["LatestReader"]

T = TypeVar("T")

_POLL_S = 0.2  # a wait without limit could not be interrupted on Windows
_JOIN_S = 2.0


class LatestReader(Generic[T]):
    """Iterates over a live source; what came while the caller was busy is dropped, but the newest.

    Errors of the source are raised where it is iterated. `close` ends the thread and closes the
    source.
    """

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._condition = threading.Condition()
        self._newest: tuple[T, float, int] | None = None
        self._error: BaseException | None = None
        self._ended = self._closed = False
        self.dropped = 0
        """Items that were never handed out."""
        self._thread = threading.Thread(target=self._read, name="mien-latest", daemon=True)
        self._thread.start()

    def __iter__(self) -> LatestReader[T]:
        return self

    def __next__(self) -> tuple[T, float, int]:
        """The newest item, when it came (seconds of time.perf_counter()), items dropped before it.

        Waits for it.
        """
        with self._condition:
            while self._newest is None and not self._ended:
                self._condition.wait(_POLL_S)
            newest, self._newest = self._newest, None
            if newest is not None:
                return newest
        if self._error is not None:
            raise self._error
        raise StopIteration

    def close(self) -> None:
        """End. A device that delivers nothing may hold its thread for longer than this waits."""
        with self._condition:
            self._closed, self._newest = True, None
        self._thread.join(_JOIN_S)

    def _read(self) -> None:
        try:
            for item in self._items:
                with self._condition:
                    if self._closed:
                        break
                    self.dropped += self._newest is not None
                    self._newest = (item, time.perf_counter(), self.dropped)
                    self._condition.notify()
        except BaseException as error:  # handed over: raised where the items are taken
            self._error = error
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
            with self._condition:
                self._ended = True
                self._condition.notify()
