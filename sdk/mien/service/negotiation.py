"""What both kinds of live session share: negotiated settings, resume tokens in time, replies."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict

from mien.errors import InputError
from mien.service.limits import Limits
from mien.service.performers import StepResult
from mien.service.wire import AnimateOpen, LostFace, RigReply, Settings, TrackOpen
from mien.session_options import SessionOptions

__all__ = [
    "TokenClock",
    "calibration_frames",
    "negotiate",
    "rig_reply",
    "session_options",
    "token_bytes",
]


def negotiate(
    opening: AnimateOpen | TrackOpen,
    limits: Limits,
    default_rate_hz: float,
    default_calibration_frames: int,
    max_message_bytes: int,
    max_performers: int,
) -> Settings:
    """The settings in force for an opening message. Raises InputError for a rate out of range."""
    rate_hz = opening.rate_hz or default_rate_hz
    if not 0 < rate_hz <= limits.max_rate_hz:
        raise InputError(f"rate_hz is {rate_hz:g}, expected above 0 to {limits.max_rate_hz:g}")
    return Settings(
        rate_hz=rate_hz,
        outputs=opening.outputs,
        smoothing=opening.smoothing,
        calibration_frames=(
            0
            if opening.neutral_relative
            else calibration_frames(opening.calibration_frames, default_calibration_frames, limits)
        ),
        mailbox_frames=limits.mailbox_frames,
        idle_timeout_s=limits.idle_timeout_s,
        max_message_bytes=max_message_bytes,
        max_performers=max_performers,
        lost_face=opening.lost_face or LostFace(),
    )


def session_options(settings: Settings) -> SessionOptions:
    """What sessions under these settings run with. Raises InputError for values out of range."""
    return SessionOptions(
        settings.smoothing, settings.calibration_frames, **asdict(settings.lost_face)
    )


def calibration_frames(asked: int, default: int, limits: Limits) -> int:
    """How many frames are watched for a neutral when `asked` for so many; 0 asks for `default`."""
    return min(asked or default, limits.max_calibration_frames)


def token_bytes(limits: Limits) -> int:
    """The largest resume token that an opening message has room for, beside neutrals and names."""
    return max(limits.max_open_bytes - limits.max_message_bytes, 0)


MIN_TOKEN_INTERVAL_S = 0.1
TOKEN_BYTES_PER_S = 1 << 20
"""Of one session: tokens are made on the event loop that all sessions share."""


class TokenClock:
    """When an answer carries a resume token."""

    def __init__(self, interval_s: float, clock: Callable[[], float] = time.perf_counter) -> None:
        """`interval_s`: seconds between two tokens, 0 for none; never less than
        MIN_TOKEN_INTERVAL_S, nor than what a token takes at TOKEN_BYTES_PER_S."""
        self._interval_s = max(interval_s, MIN_TOKEN_INTERVAL_S) if interval_s else 0.0
        self._clock = clock
        self._due_s = clock() + self._interval_s

    def token(self, make: Callable[[], bytes], final: bool) -> bytes:
        """One by `make` if it is due or the answer may be the last, `final`; else empty."""
        now = self._clock()
        if not final and (self._interval_s == 0 or now < self._due_s):
            return b""
        token = make()
        self._due_s = now + max(self._interval_s, len(token) / TOKEN_BYTES_PER_S)
        return token


def rig_reply(
    sequence: int, time_s: float, stepped: dict[str, StepResult], arrived_s: float, dropped: int
) -> RigReply:
    """The answer to one frame, but for its resume token."""
    return RigReply(
        sequence=sequence,
        capture_time_s=time_s,
        frames={name: one.frame for name, one in stepped.items()},
        vertices={name: one.vertices for name, one in stepped.items() if one.vertices is not None},
        dropped=dropped,
        server_time_s=time.perf_counter() - arrived_s,
    )
