"""What both kinds of live session share: negotiated settings, resume tokens in time, replies."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace

from mien.detail_entry import PARTS
from mien.errors import InputError
from mien.manifest import Manifest
from mien.service.limits import Limits
from mien.service.performers import StepResult
from mien.service.wire import (
    AnimateOpen,
    DetailMapOutputs,
    LostFace,
    RigReply,
    Settings,
    TrackOpen,
)
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
    manifest: Manifest | None,
    default_calibration_frames: int,
    max_message_bytes: int,
    max_performers: int,
) -> Settings:
    """The settings in force for an opening message; manifest: the character's, None without one.

    Raises InputError for a rate out of range, and for maps of the skin that the character lacks or
    that are more than `limits` allow.
    """
    rate_hz = opening.rate_hz or (PLAIN_RATE_HZ if manifest is None else manifest.rate_hz)
    if not 0 < rate_hz <= limits.max_rate_hz:
        raise InputError(f"rate_hz is {rate_hz:g}, expected above 0 to {limits.max_rate_hz:g}")
    outputs = opening.outputs
    if outputs.detail_map is not None:
        granted = _negotiate_detail_map(outputs.detail_map, manifest, rate_hz, limits)
        outputs = replace(outputs, detail_map=granted)
    return Settings(
        rate_hz=rate_hz,
        outputs=outputs,
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


def _negotiate_detail_map(
    asked: DetailMapOutputs, manifest: Manifest | None, rate_hz: float, limits: Limits
) -> DetailMapOutputs:
    """What comes of the maps that were asked for: at the side that the package has. Raises
    InputError, naming the field and what is expected of it."""
    field = "outputs.detail_map"
    if manifest is None:
        raise InputError(f"{field} is set: name the character whose skin is wanted")
    if manifest.detail is None:
        raise InputError(f"{field}: character {manifest.name!r} has no skin detail")
    if not (asked.displacement or asked.normal):
        raise InputError(f"{field} asks for nothing, expected displacement, normal or both")
    if not 1 <= asked.side <= limits.max_detail_map_side:
        raise InputError(
            f"{field}.side is {asked.side}, expected 1 to {limits.max_detail_map_side}"
        )
    granted = replace(
        asked,
        side=manifest.detail.find(PARTS[0], "displacement", asked.side).size,
        every=asked.every or 1,
    )
    if granted.side > asked.side:
        raise InputError(
            f"{field}.side is {asked.side}, expected at least {granted.side}, the smallest that "
            f"character {manifest.name!r} has"
        )
    if granted.size_bytes > limits.max_detail_map_bytes:
        raise InputError(
            f"{field}: maps of {granted.side} texels a side have {granted.size_bytes} bytes, "
            f"expected at most {limits.max_detail_map_bytes}: ask for a smaller side, or for one "
            "of displacement and normal"
        )
    bytes_per_s = granted.size_bytes * rate_hz / granted.every
    if bytes_per_s > limits.max_detail_map_bytes_per_s:
        every = math.ceil(granted.size_bytes * rate_hz / limits.max_detail_map_bytes_per_s)
        raise InputError(
            f"{field}.every is {granted.every}, expected at least {every}: maps of "
            f"{granted.size_bytes} bytes at {rate_hz:g} Hz would be {bytes_per_s:.0f} bytes a "
            f"second, and at most {limits.max_detail_map_bytes_per_s} are sent"
        )
    return granted


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


PLAIN_RATE_HZ = 30.0
"""Of tracking without a character."""
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
