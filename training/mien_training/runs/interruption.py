"""Being told to end: Ctrl-C and SIGTERM end a run alike, and say how it goes on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

__all__ = ["interruptible"]


@contextmanager
def interruptible(folder: Path) -> Iterator[None]:
    """Within, SIGTERM raises KeyboardInterrupt as Ctrl-C does; either leaves with a line that says
    how the run in `folder` goes on. Signals are the main thread's: in others nothing changes."""
    main = threading.current_thread() is threading.main_thread()
    usual = signal.signal(signal.SIGTERM, _interrupt) if main else None
    try:
        yield
    except KeyboardInterrupt:
        Console(stderr=True, highlight=False).print(
            f"{folder}: interrupted; the same command goes on from the last checkpoint",
            markup=False,
            soft_wrap=True,
        )
        raise
    finally:
        if main:
            signal.signal(signal.SIGTERM, usual)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
