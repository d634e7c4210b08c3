"""What the commands that look at images have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mien.errors import InputError
from mien.tracked_source import SeenFrame, TrackedSource
from mien.tracker import Tracker

__all__ = ["SourceOptions"]


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """How images are read and faces found."""

    limit: int | None = None
    """Stop after this many frames."""
    min_presence: float = 0.5
    """Confidence (0 to 1) below which the tracker's find is not taken for a face. Raise it where
    drawings or objects are mistaken for faces."""
    min_face: float = 0.0
    """Smallest face that counts, as a fraction (0 to 1) of the image's longer side."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the networks run; cuda needs the extra `gpu`."""
    json: bool = False
    """Print one JSON object on stdout and nothing else there."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise InputError(f"--limit is {self.limit}, expected 1 or more")
        for name in ("min_presence", "min_face"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise InputError(f"--{name.replace('_', '-')} is {value}, expected 0 to 1")

    def open(
        self, source: str, on_image: Callable[[SeenFrame], None] | None = None
    ) -> TrackedSource:
        """The source, tracked as the options say."""
        tracker = Tracker(
            providers=self.device, min_presence=self.min_presence, min_face=self.min_face
        )
        return TrackedSource(source, tracker, self.limit, on_image)
