"""What drives one character by one face: a session in this process, or one on a server."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mien.frame import Frame
from mien.observation import Source
from mien.tracker.features import FeatureLayout

__all__ = ["Performer"]


@runtime_checkable
class Performer(Protocol):
    """One face that drives one character, wherever the network runs.

    `mien.Session` and `mien.service.client.RemoteSession` are performers, so one loop serves both.
    Not for several threads at once.

    >>> isinstance(mien.load(SPHERE).session(), Performer)
    True
    """

    @property
    def layout(self) -> FeatureLayout:
        """The feature groups that raw features must have."""

    @property
    def channel_names(self) -> tuple[str, ...]:
        """C names, in the order of `Frame.channels`."""

    def step(
        self,
        seen: Source,
        time_s: float,
        *,
        presence: float = 1.0,
        head_translation_m: NDArray[np.floating] | None = None,
    ) -> Frame:
        """The character at `time_s`, from a FaceTrack, raw features (F,), an Observation, or None.

        None: no face is seen. Times are seconds on any steady clock and must increase. `presence`
        (0 to 1) and `head_translation_m` (3,) go with raw features; what else is seen has its own.
        Raises InputError for input that is refused; the performer is then as it was before.

        >>> performer: Performer = mien.load(SPHERE).session(neutral=np.zeros(55))
        >>> performer.step(np.zeros(55), time_s=0.0, presence=0.75).confidence
        0.75
        """

    def calibrate(
        self, neutral: NDArray[np.floating] | None = None, frames: int | None = None
    ) -> None:
        """Take (F,) raw features for the driver's neutral face, or estimate it from `frames`.

        >>> performer: Performer = mien.load(SPHERE).session()
        >>> performer.calibrate(np.zeros(55))  # their relaxed face is known
        >>> performer.calibrate(frames=60)  # it is looked for in the next 60 frames
        """

    def close(self) -> None:
        """Release what the performer holds; it takes no step afterwards. Closing twice is fine.

        >>> performer: Performer = mien.load(SPHERE).session()
        >>> performer.close()
        """

    def __enter__(self) -> Performer: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
