"""A bounded mailbox between a stream's reader and the work: the latest messages win."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

T = TypeVar("T")


class Mailbox(Generic[T]):
    """At most `size` messages wait; a further one pushes the oldest out, which is counted.

    For one event loop: `put`, `close` and `fail` never wait, `take` does.
    """

    def __init__(self, size: int = 2) -> None:
        self._waiting: deque[T] = deque()
        self._size = size
        self._ready = asyncio.Event()
        self._closed = False
        self._error: BaseException | None = None
        self.dropped = 0
        """Messages pushed out so far."""

    def put(self, message: T) -> None:
        """Add a message."""
        if len(self._waiting) == self._size:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(message)
        self._ready.set()

    def close(self) -> None:
        """No more messages will come; those that wait are still handed out."""
        self._closed = True
        self._ready.set()

    def fail(self, error: BaseException) -> None:
        """Like `close`, and `take` raises `error` after the last message."""
        self._error = error
        self.close()

    async def take(self) -> T | None:
        """The oldest message that waits; None when the mailbox is closed and empty."""
        while not self._waiting:
            if self._error is not None:
                raise self._error
            if self._closed:
                return None
            self._ready.clear()
            await self._ready.wait()
        return self._waiting.popleft()
