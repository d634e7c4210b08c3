"""Admission: how many sessions there may be, and their end when the server stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mien.service.limits import Limits, ServerBudgets
from mien.service.mailbox import Mailbox
from mien.service.statuses import DrainingError, LimitError

__all__ = ["SessionLimiter"]


class SessionLimiter:
    """Who is in, how many may be, and whether the server is about to stop."""

    def __init__(self, limits: Limits) -> None:
        self.budgets = ServerBudgets(limits)
        """What the sessions share."""
        self.draining = False
        """Whether no session opens any more."""
        self._open: set[Mailbox[Any]] = set()

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def acquire(self, mailbox: Mailbox[Any]) -> Iterator[None]:
        """Count a session in for the duration. Raises LimitError, DrainingError."""
        if self.draining:
            raise DrainingError("the server is stopping, open a session elsewhere")
        sessions = self.budgets.sessions
        try:
            sessions.spend(1, "a further session")
        except LimitError:
            raise LimitError(
                f"all {sessions.limit} sessions of this server are taken, try again later"
            ) from None
        self._open.add(mailbox)
        try:
            yield
        finally:
            self._open.discard(mailbox)
            sessions.release(1)

    def drain(self) -> None:
        """End every session after the frames that wait in it."""
        self.draining = True
        for mailbox in self._open:
            mailbox.fail(
                DrainingError("the server is stopping, go on elsewhere with the last resume token")
            )
