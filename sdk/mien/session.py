"""One performer driving one character: animator state, neutral, filters and clock.

A step is: subtract the driver's neutral from the features, append the time step, run the recurrent
network once, smooth if asked to. All state is in one immutable value that is replaced when a step's
frame is there, so a step that fails changes nothing, and a session can be saved to bytes and
continued elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.filters import MAX_CALIBRATION_FRAMES, NeutralEstimator
from mien.frame import Frame
from mien.observation import Observation, Source, observed
from mien.rotation import IDENTITY
from mien.session_options import SessionOptions
from mien.session_snapshot import pack_state, packed_size, snapshot_key, unpack_state
from mien.session_state import SessionState
from mien.session_step import Finisher, Prepared
from mien.tracker.face_track import FaceTrack
from mien.tracker.features import FeatureLayout, subtract_neutral

if TYPE_CHECKING:
    from mien.animator import Animator, AnimatorState
    from mien.wrinkle_model import WrinkleModel

__all__ = ["Frame", "Observation", "Session", "SessionOptions", "SessionState", "step_many"]

Float32Array = NDArray[np.float32]

NOMINAL_RATE_HZ = 30.0
"""Rate that the time-step feature is measured in: dt * 30 - 1 is 0 at 30 frames a second."""
_MIN_DT_S, _MAX_DT_S = 1 / 240, 0.25
"""Time steps beyond these are not told to the network, which never saw such."""


class Session:
    """Steps one performer through one character; made by `Character.session`.

    Not for several threads at once. Sessions of one character share its network. A
    `mien.Performer`: a remote session takes the same calls.

    >>> with mien.load(SPHERE).session() as session:
    ...     frame = session.step(None, time_s=0.0)  # no face is seen
    >>> frame.confidence
    0.0
    """

    def __init__(
        self,
        animator: Animator,
        layout: FeatureLayout,
        channel_names: Sequence[str],
        options: SessionOptions | None = None,
        neutral: NDArray[np.floating] | None = None,
        wrinkles: WrinkleModel | None = None,
    ) -> None:
        """`neutral`: (F,) raw features of the driver's relaxed face, where it is known; `wrinkles`:
        what gives the frames' detail."""
        self.animator = animator
        self.layout = layout
        self.channel_names = tuple(channel_names)
        self.options = options or SessionOptions()
        self._finisher = Finisher(self.channel_names, layout, self.options, wrinkles)
        self._closed = False
        self._state = SessionState(
            time_s=None,
            seen_s=None,
            animator=animator.initial_state(),
            calibration=self._calibration(neutral, self.options.calibration_frames),
            smoothing=None,
            channels=np.zeros(len(self.channel_names), np.float32),
            head_rotation_xyzw=IDENTITY.astype(np.float32),
            head_translation_m=np.zeros(3, np.float32),
            confidence=0.0,
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take no step any more. A session in this process holds nothing that must be released.

        >>> session = mien.load(SPHERE).session()
        >>> session.close()
        >>> session.step(None, time_s=0.0)
        Traceback (most recent call last):
        mien.errors.InputError: session: it was closed
        """
        self._closed = True

    @property
    def state(self) -> SessionState:
        """What the session remembers now."""
        return self._state

    @property
    def neutral(self) -> Float32Array | None:
        """(F,) the driver's neutral in use; an estimate while `calibrating`, None before it."""
        calibration = self._state.calibration
        return None if calibration is None else calibration.neutral

    @property
    def calibrating(self) -> bool:
        """Whether the neutral is still being estimated."""
        calibration = self._state.calibration
        return calibration is not None and not calibration.ready

    def return_to(self, state: SessionState) -> None:
        """Be as before the steps since `state` was taken from this session: what came of them was
        not to be had.

        >>> session = mien.load(SPHERE).session()
        >>> before = session.state
        >>> frame = session.step(None, 0.0)
        >>> session.return_to(before)
        >>> session.state.time_s is None
        True
        """
        self._state = state

    def calibrate(
        self, neutral: NDArray[np.floating] | None = None, frames: int | None = None
    ) -> None:
        """Take this neutral (F,) from now on, or estimate one from the next `frames` frames.

        >>> session = mien.load(SPHERE).session()
        >>> session.calibrate(np.zeros(55))
        >>> session.calibrating
        False
        """
        wanted = self.options.calibration_frames if frames is None else frames
        self._state = replace(self._state, calibration=self._calibration(neutral, wanted))

    def reset(self) -> None:
        """Forget expression, pose and clock; keep the neutral.

        >>> session = mien.load(SPHERE).session(neutral=np.zeros(55))
        >>> frame = session.step(np.zeros(55), time_s=9.0)
        >>> session.reset()
        >>> session.step(np.zeros(55), time_s=0.0).time_s
        0.0
        """
        fresh = Session(self.animator, self.layout, self.channel_names, self.options)
        self._state = replace(fresh._state, calibration=self._state.calibration)

    def step(
        self,
        seen: Source,
        time_s: float,
        *,
        presence: float = 1.0,
        head_translation_m: NDArray[np.floating] | None = None,
    ) -> Frame:
        """The character at `time_s`, from a FaceTrack, raw features (F,), or None: no face.

        Times are seconds on any steady clock and must increase. `presence` and
        `head_translation_m` go with plain features; a FaceTrack has its own.

        A lost face (None, or presence below `SessionOptions.min_presence`) is held, then fades to
        neutral while confidence falls to 0. Raises InputError for features of another size, values
        that are not finite, and times that do not increase, MienError for a network that fails; the
        session is then as it was before.

        >>> session = mien.load(SPHERE).session(neutral=np.zeros(55))
        >>> session.step(np.zeros(55), time_s=0.0).channel_names
        ('jawOpen', 'mouthSmileLeft', 'browInnerUp')
        >>> round(session.step(None, time_s=0.125).confidence, 3)  # lost half of `hold_s` ago
        0.5
        """
        if seen is not None and not isinstance(seen, (Observation, FaceTrack)):
            seen = Observation(np.asarray(seen), presence, None, head_translation_m)
        return step_many([self], [seen], [time_s])[0]

    def check(self, seen: Source, time_s: float) -> None:
        """Raise what `step` would raise for this input, and change nothing.

        >>> session = mien.load(SPHERE).session()
        >>> session.check(np.zeros(54), time_s=0.0)
        Traceback (most recent call last):
        mien.errors.InputError: session: features have shape (54,), expected (55,): ...
        """
        self._prepare(seen, time_s)

    def snapshot(self) -> bytes:
        """The session's whole state, for `restore`; while calibrating it holds up to 128 frames.

        >>> session = mien.load(SPHERE).session(neutral=np.zeros(55))
        >>> type(session.snapshot())
        <class 'bytes'>
        """
        return pack_state(self._state, self._key)

    @property
    def snapshot_bytes(self) -> int:
        """How large `snapshot` would be now, without making it."""
        return packed_size(self._state)

    def restore(self, data: bytes, max_frames: int = MAX_CALIBRATION_FRAMES) -> None:
        """Continue from a `snapshot` of a session with the same character and options.

        Raises InputError for bytes that are not such a snapshot, and for one whose calibration
        still watches more than `max_frames` frames; the session stays as it was.

        >>> one, other = (mien.load(SPHERE).session() for _ in range(2))
        >>> frame = one.step(np.zeros(55), time_s=1.0)
        >>> other.restore(one.snapshot())
        >>> other.state.time_s
        1.0
        """
        self._state = unpack_state(data, self._key, self._state, self.layout.size, max_frames)

    @cached_property
    def _key(self) -> bytes:
        return snapshot_key(self.channel_names, self.layout, self.options, self._state)

    def _calibration(
        self, neutral: NDArray[np.floating] | None, frames: int
    ) -> NeutralEstimator | None:
        if neutral is not None:
            return NeutralEstimator.given(np.asarray(neutral), self.layout)
        return NeutralEstimator.start(frames, self.layout) if frames else None

    def _prepare(self, source: Source, time_s: float) -> Prepared:
        """Check everything that may be wrong with an input; no state changes here."""
        seen = observed(source, self.layout, self.options.min_presence)
        if self._closed:
            raise InputError("session: it was closed")
        time_s = float(time_s)
        if not np.isfinite(time_s):
            raise InputError(f"session: time is {time_s}, expected finite seconds")
        state = self._state
        if state.time_s is not None and time_s <= state.time_s:
            raise InputError(
                f"session: time {time_s} s follows {state.time_s} s: times must increase"
            )
        if seen is None or seen.features is None:
            return Prepared(time_s, None, None, None, state.animator)
        calibration = state.calibration
        x = seen.features
        if calibration is not None:
            calibration = calibration.update(x, self.layout)
            if calibration.neutral is not None:
                x = subtract_neutral(x, calibration.neutral, self.layout)
        dt_s, remembered = 1 / NOMINAL_RATE_HZ, state.animator
        if state.seen_s is not None and time_s - state.seen_s <= self.options.forget_s:
            dt_s = min(max(time_s - state.seen_s, _MIN_DT_S), _MAX_DT_S)
        elif state.seen_s is not None:
            remembered = self.animator.initial_state()
        row = np.append(x, np.float32(dt_s * NOMINAL_RATE_HZ - 1)).astype(np.float32)
        return Prepared(time_s, seen, row, calibration, remembered)


def step_many(
    sessions: Sequence[Session], sources: Sequence[Source], times_s: Sequence[float]
) -> list[Frame]:
    """One step of each of several sessions of one character, in a single run of its network.

    Gives what single steps give, to rounding. Raises InputError when one of the inputs is refused
    (`Session.check` finds which), a session is there twice, or the sessions have different
    networks, and MienError when a network fails; no session has changed then.
    """
    if not len(sessions) == len(sources) == len(times_s):
        raise InputError(
            f"step_many: {len(sessions)} sessions, {len(sources)} sources and {len(times_s)} times"
        )
    if len({id(session) for session in sessions}) != len(sessions):
        raise InputError("step_many: a session can take only one step at a time")
    if len({id(session.animator) for session in sessions}) > 1:
        raise InputError("step_many: the sessions must share one character's animator")
    given = zip(sessions, sources, times_s, strict=True)
    ready = [session._prepare(source, time_s) for session, source, time_s in given]
    rows = [p.row for p in ready if p.row is not None]
    results: list[tuple[Float32Array | None, Any]] = [(None, p.animator) for p in ready]
    if rows:
        state = _stacked([p.animator for p in ready if p.row is not None])
        # `observed` has checked the features; the network's own checks would repeat that.
        out, state = sessions[0].animator.infer(np.stack(rows)[:, None], state)
        faces = (index for index, p in enumerate(ready) if p.row is not None)
        for place, index in enumerate(faces):
            results[index] = out[place, 0].copy(), _part(state, place)
    ends = [
        session._finisher.finish(session._state, p, channels, state)
        for session, p, (channels, state) in zip(sessions, ready, results, strict=True)
    ]
    for session, (after, _) in zip(sessions, ends, strict=True):
        session._state = after
    return [frame for _, frame in ends]


def _stacked(states: Sequence[AnimatorState]) -> AnimatorState:
    """States of batch 1 as one batch (the second axis)."""
    if len(states) == 1:
        return states[0]
    return replace(
        states[0],
        h=np.concatenate([s.h for s in states], axis=1),
        c=np.concatenate([s.c for s in states], axis=1),
    )


def _part(state: AnimatorState, index: int) -> AnimatorState:
    part = slice(index, index + 1)
    return replace(state, h=state.h[:, part].copy(), c=state.c[:, part].copy())
