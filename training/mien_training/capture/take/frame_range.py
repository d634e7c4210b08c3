"""Which moments of a take are wanted: first:last:step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mien.errors import InputError

__all__ = ["FrameRange", "parse_frames"]


@dataclass(frozen=True)
class FrameRange:
    """Frames first, first + step, ... up to and with last."""

    first: int | None = None
    """None: from the beginning."""
    last: int | None = None
    """None: to the end."""
    step: int = 1
    """Every so many."""

    def chosen(self, frames: Sequence[int]) -> list[int]:
        """Positions in `frames`, which rise, of those that are wanted: counted in steps of frames
        that are there, from the first within the range."""
        inside = [
            n
            for n, frame in enumerate(frames)
            if (self.first is None or frame >= self.first)
            and (self.last is None or frame <= self.last)
        ]
        return inside[:: self.step]


def parse_frames(text: str) -> FrameRange:
    """`10`, `10:`, `:200`, `10:200`, `10:200:2`, `::5`; the last is one of them.

    Raises InputError for anything else.
    """
    parts = text.strip().split(":")
    expected = "expected first:last:step with whole numbers, such as 10:200, :200 or ::5"
    plain = all(part == "" or (part.isascii() and part.isdecimal()) for part in parts)
    if not plain or not 1 <= len(parts) <= 3 or parts == [""]:
        raise InputError(f"--frames {text!r}: {expected}")
    numbers = [int(part) if part else None for part in parts]
    if len(numbers) == 1:
        return FrameRange(numbers[0], numbers[0])
    first, last = numbers[:2]
    step = numbers[2] if len(numbers) == 3 and numbers[2] is not None else 1
    if step < 1 or (first is not None and last is not None and last < first):
        raise InputError(f"--frames {text!r}: last is before first or step is 0; {expected}")
    return FrameRange(first, last, step)
