"""What a command says while it runs: how fast, how late, how sure, what was dropped."""

from __future__ import annotations

import time
from collections import deque

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from mien.tracked_source import SeenFrame

__all__ = ["LiveStatus"]

_AVERAGED = 30


class LiveStatus:
    """A line on stderr, kept up to date for the length of a `with` block.

    with LiveStatus("tracking") as status:
        status.image(seen)
    """

    def __init__(self, title: str, console: Console | None = None) -> None:
        self.total: int | None = None
        """Images that are expected, where known."""
        self._times: deque[float] = deque(maxlen=_AVERAGED)
        self._dropped = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            console=console or Console(stderr=True),
        )
        self._task = self._progress.add_task(title, total=None, status="")
        self._started = False

    def __enter__(self) -> LiveStatus:
        return self

    def __exit__(self, *_: object) -> None:
        if self._started:
            self._progress.stop()

    def image(self, seen: SeenFrame) -> None:
        """An image was tracked."""
        self._times.append(time.perf_counter())
        self._dropped = seen.dropped
        confidence = 0.0 if seen.track is None else seen.track.presence
        self._show(time.perf_counter() - seen.captured_s, confidence, advance=1)

    def frame(self, latency_s: float, confidence: float) -> None:
        """The character's frame of the last image is there."""
        self._show(latency_s, confidence, advance=0)

    @property
    def rate_hz(self) -> float:
        """Images a second, over the last thirty; 0 before the second."""
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-9)

    def _show(self, latency_s: float, confidence: float, advance: int) -> None:
        status = (
            f"{self.rate_hz:.1f} fps, {1000 * latency_s:.0f} ms, confidence {confidence:.2f}, "
            f"{self._dropped} dropped"
        )
        if not self._started:  # a call that fails at once shows its error only
            self._started = True
            self._progress.start()
        self._progress.update(self._task, advance=advance, total=self.total, status=status)
