"""How a session's step ends: the network's answer becomes a frame and the state that follows.

Nothing here changes a session. One takes the new state when all of its step has succeeded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.correctives import corrective_pairs, limit_correctives
from mien.filters import NeutralEstimator, OneEuroConfig, OneEuroState, one_euro, smoothing_mask
from mien.frame import Frame, eye_rotations
from mien.observation import Observation, head_rotation
from mien.rotation import scale_rotation
from mien.session_options import SessionOptions
from mien.session_state import SessionState
from mien.tracker.features import FeatureLayout

if TYPE_CHECKING:
    from mien.animator import AnimatorState
    from mien.wrinkle_model import WrinkleModel

__all__ = ["Finisher", "Prepared"]

Float32Array = NDArray[np.float32]

_NO_DETAIL = np.zeros(0, np.float32)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A checked input, ready for the network."""

    time_s: float
    seen: Observation | None
    row: Float32Array | None
    """(F + 1,) the network's input."""
    calibration: NeutralEstimator | None
    animator: AnimatorState
    """State to start from."""


class Finisher:
    """Ends the steps of one session."""

    def __init__(
        self,
        channel_names: Sequence[str],
        layout: FeatureLayout,
        options: SessionOptions,
        wrinkles: WrinkleModel | None,
    ) -> None:
        self._channel_names = tuple(channel_names)
        self._layout = layout
        self._options = options
        self._wrinkles = wrinkles
        self._smoothed = smoothing_mask(self._channel_names, options.smoothing or OneEuroConfig())
        self._correctives = corrective_pairs(self._channel_names)

    def finish(
        self,
        state: SessionState,
        ready: Prepared,
        channels: Float32Array | None,
        animator: AnimatorState,
    ) -> tuple[SessionState, Frame]:
        """The state after `state`, and the frame, for the network's answer; None: no face."""
        if ready.seen is None or channels is None:
            return self._faded(state, ready.time_s)
        seen, smoothing = ready.seen, state.smoothing
        if self._options.smoothing is not None:
            dt_s = 0.0 if state.time_s is None else ready.time_s - state.time_s
            smooth, smoothing = one_euro(channels, dt_s, smoothing, self._options.smoothing)
            channels = np.where(self._smoothed, smooth, channels)
        channels = limit_correctives(channels, self._correctives)
        progress = 1.0 if ready.calibration is None else ready.calibration.progress
        translation = seen.head_translation_m
        after = SessionState(
            time_s=ready.time_s,
            seen_s=ready.time_s,
            animator=animator,
            calibration=ready.calibration,
            smoothing=smoothing,
            channels=channels,
            head_rotation_xyzw=head_rotation(seen, self._layout),
            head_translation_m=np.zeros(3, np.float32)
            if translation is None
            else np.asarray(translation, np.float32),
            confidence=float(seen.presence) * progress,
        )
        return after, self._frame(after, ready.time_s, 1.0, after.confidence)

    def _faded(self, state: SessionState, time_s: float) -> tuple[SessionState, Frame]:
        """No face: hold, then fade. A function of how long it is lost, whatever the frame rate."""
        options = self._options
        share, confidence = 0.0, 0.0
        if state.seen_s is not None:
            lost_s = time_s - state.seen_s
            fading_s = lost_s - options.hold_s
            if fading_s <= 0:
                share = 1.0
            elif options.decay_s > 0:
                share = float(np.exp(-fading_s / options.decay_s))
            if options.hold_s > 0:
                confidence = state.confidence * max(1.0 - lost_s / options.hold_s, 0.0)
        frame = self._frame(state, time_s, share, confidence)
        after = replace(state, time_s=time_s)
        if options.smoothing is not None:  # a face that comes back starts from what is shown
            after = replace(after, smoothing=OneEuroState.at(frame.channels))
        return after, frame

    def _frame(self, state: SessionState, time_s: float, share: float, confidence: float) -> Frame:
        channels = state.channels if share == 1.0 else np.float32(share) * state.channels
        head = state.head_rotation_xyzw
        if share != 1.0:
            head = scale_rotation(head, share).astype(np.float32)
        left, right = eye_rotations(self._channel_names, channels)
        return Frame(
            time_s=time_s,
            channel_names=self._channel_names,
            channels=channels,
            head_rotation_xyzw=head,
            head_translation_m=state.head_translation_m,
            left_eye_xyzw=left,
            right_eye_xyzw=right,
            detail=_NO_DETAIL if self._wrinkles is None else self._wrinkles.weights(channels),
            confidence=confidence,
        )
