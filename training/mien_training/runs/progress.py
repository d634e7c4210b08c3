"""How far something long has come: one type, for callbacks and for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

__all__ = ["Progress", "ProgressBars", "Report", "in_stage", "silent"]


@dataclass(frozen=True)
class Progress:
    """One stage of a job, at one moment."""

    stage: str
    """What is being done, in a word or two."""
    done: int
    """Steps, frames or files that are finished."""
    total: int | None = None
    """Of how many; None where nobody knows yet."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What was measured last, by name: `loss`, for example."""


Report = Callable[[Progress], None]
"""What is told of progress, from the thread that makes it; it may raise to interrupt."""


def silent(progress: Progress) -> None:
    """Reports to nobody."""


def in_stage(report: Report, stage: str) -> Report:
    """A report under another stage's name."""
    return lambda progress: report(replace(progress, stage=stage))


class ProgressBars:
    """A report to the terminal: one bar a stage, on stderr, or nothing at all when `quiet`.

        with ProgressBars() as report:
            report(Progress("training", 10, 100, {"loss": 0.2}))

    A stage that is followed by another is shown as finished: many end early.
    """

    def __init__(
        self, quiet: bool = False, file: TextIO | None = None, also: Report | None = None
    ) -> None:
        """file: where to, in place of stderr; also: who else is told, even when `quiet`."""
        console = Console(file=file) if file is not None else Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[figures]}", markup=False),
            console=console, disable=quiet,
        )  # fmt: skip
        self._quiet, self._also = quiet, also or silent
        self._tasks: dict[str, int] = {}
        self._last: str | None = None

    def __enter__(self) -> ProgressBars:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        """Show it, and pass it on."""
        self._also(progress)
        if progress.stage not in self._tasks:
            task = self._bars.add_task(progress.stage, total=progress.total, figures="")
            self._tasks[progress.stage] = task
        if self._last not in (None, progress.stage):
            earlier = self._bars.tasks[self._tasks[str(self._last)]]
            self._bars.update(earlier.id, completed=earlier.total or earlier.completed)
        self._last = progress.stage
        figures = " ".join(f"{name} {value:.4g}" for name, value in progress.figures.items())
        self._bars.update(
            self._tasks[progress.stage],  # type: ignore[arg-type]
            completed=progress.done, total=progress.total, figures=figures,
        )  # fmt: skip

    def say(self, message: str, style: str = "") -> None:
        """A line above the bars; not when `quiet`."""
        if not self._quiet:
            self._bars.console.print(Text(message, style), soft_wrap=True)

    def warn(self, message: str) -> None:
        """`say`, as a warning."""
        self.say(f"warning: {message}", "yellow")
