"""Being told to end: Ctrl-C and SIGTERM end a run alike, and say how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from mien.interruption import sigterm_interrupts

__all__ = ["interruptible"]


@contextmanager
def interruptible(folder: Path) -> Iterator[None]:
    """Within, SIGTERM raises KeyboardInterrupt as Ctrl-C does; either leaves with a line that says
    how the run in `folder` goes on. Signals are the main thread's: in others nothing changes."""
    try:
        with sigterm_interrupts():
            yield
    except KeyboardInterrupt:
        Console(stderr=True, highlight=False).print(
            f"{folder}: interrupted; the same command goes on from the last checkpoint",
            markup=False,
            soft_wrap=True,
        )
        raise
