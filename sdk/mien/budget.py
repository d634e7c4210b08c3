"""One limit for everything that belongs together: a file, a session, a server.

A limit per item lets a thousand items through, each just below it. So whatever is decoded, kept or
opened on behalf of one input is charged to one budget, before it is allocated:

    budget = Budget(64 << 20, "bytes", "ada.glb")
    budget.spend(12 * vertex_count, "accessors[3]")
"""

from __future__ import annotations

import threading

from mien.errors import InputError, MienError

__all__ = ["FREE_BYTES", "GROWTH", "Budget", "decoding_budget"]

FREE_BYTES, GROWTH = 40 << 20, 3
"""What decoding may allocate: 40 MiB, and three times the size of the input. Real characters stay
far below: ICT-FaceKit's 51 shapes on 24,947 vertices take 18.6 MB, 1.3 times their file, and with
painted textures 24.3 MB, 1.5 times."""


class Budget:
    """At most `limit` of `unit` ("bytes", "frames", "sessions"), in total. Safe between threads.

    `where` names the file, session or server in messages, `error` is the class that is raised.
    """

    def __init__(
        self, limit: int, unit: str, where: str, error: type[MienError] = InputError
    ) -> None:
        if limit < 0:
            raise ValueError(f"limit is {limit}, expected 0 or more")
        self.limit = limit
        self.unit = unit
        self.where = where
        self._error = error
        self._spent = 0
        self._lock = threading.Lock()

    @property
    def spent(self) -> int:
        """What is charged now."""
        with self._lock:
            return self._spent

    def spend(self, amount: int, what: str) -> None:
        """Charge `amount` for the item `what`, or raise `error` and charge nothing."""
        if amount < 0:
            raise ValueError(f"{what}: amount is {amount}, expected 0 or more")
        with self._lock:
            total = self._spent + amount
            if total <= self.limit:
                self._spent = total
                return
        item = what if what.startswith(self.where) else f"{self.where}: {what}"
        raise self._error(
            f"{item}: needs {amount} {self.unit}, {total} in all, expected at most {self.limit}"
        )

    def release(self, amount: int) -> None:
        """Give back `amount` of what was spent."""
        with self._lock:
            if not 0 <= amount <= self._spent:
                raise ValueError(f"{amount} {self.unit} given back of {self._spent} spent")
            self._spent -= amount


def decoding_budget(size: int, where: str, error: type[MienError] = InputError) -> Budget:
    """The budget in bytes for everything that is decoded from an input of `size` bytes."""
    return Budget(FREE_BYTES + GROWTH * size, "bytes", where, error)
