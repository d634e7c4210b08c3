"""A bounded mailbox between a stream's reader and the work: the latest messages win."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mien.budget import Budget
from mien.service.statuses import LimitError

__all__ = ["Mailbox"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Waiting(Generic[T]):
    message: T
    size: int
    may_drop: bool


class Mailbox(Generic[T]):
    """At most `size` messages wait; a further one pushes the oldest out, which is counted.

    For one event loop: `put`, `close` and `fail` never wait, `take` does. What waits, and the
    message taken last, is charged to `budgets` until the next `take` or `clear`.
    """

    def __init__(self, size: int = 2, budgets: Sequence[Budget] = ()) -> None:
        self._waiting: deque[_Waiting[T]] = deque()
        self._size = size
        self._budgets = tuple(budgets)
        self._taken_size = 0
        self._ready = asyncio.Event()
        self._closed = False
        self._error: BaseException | None = None
        self.dropped = 0
        """Messages pushed out so far."""

    def put(self, message: T, size: int = 0, may_drop: bool = True) -> None:
        """Add a message of `size` bytes. One that may not be dropped is never pushed out.

        Raises LimitError when there is no room although nothing is left to push out.
        """
        if len(self._waiting) == self._size:
            self._drop(LimitError(f"{self._size} messages wait that must not be dropped"))
        while True:
            try:
                self._charge(size)
                break
            except LimitError as error:
                self._drop(error)
        self._waiting.append(_Waiting(message, size, may_drop))
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
        self._release(self._taken_size)
        self._taken_size = 0
        while not self._waiting:
            if self._error is not None:
                raise self._error
            if self._closed:
                return None
            self._ready.clear()
            await self._ready.wait()
        taken = self._waiting.popleft()
        self._taken_size = taken.size
        return taken.message

    def clear(self) -> None:
        """Forget every message, and give back what they were charged for."""
        self._release(self._taken_size + sum(waiting.size for waiting in self._waiting))
        self._taken_size = 0
        self._waiting.clear()

    def _drop(self, error: LimitError) -> None:
        """Push out the oldest message that may be; raises `error` when there is none."""
        for index, waiting in enumerate(self._waiting):
            if waiting.may_drop:
                del self._waiting[index]
                self._release(waiting.size)
                self.dropped += 1
                return
        raise error

    def _charge(self, size: int) -> None:
        for index, budget in enumerate(self._budgets):
            try:
                budget.spend(size, f"a message of {size} bytes")
            except LimitError:
                for charged in self._budgets[:index]:
                    charged.release(size)
                raise

    def _release(self, size: int) -> None:
        for budget in self._budgets:
            budget.release(size)
