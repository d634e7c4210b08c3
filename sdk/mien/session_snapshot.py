"""A session's state as bytes: resume tokens.

    magic  8 bytes   "MIENSES2", the last digit the version of this layout
    key   16 bytes   of the character's channels, features, network state and the session's options
    crc    4 bytes   CRC-32 of everything after it
    body             little-endian: doubles (times, confidence), counts, then float32 arrays

Every length follows from the session that reads it and two counts, so nothing in the bytes can make
a reader allocate more than the bytes themselves hold. The CRC finds accidents; who must trust
tokens that went through other hands signs them.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.filters import MAX_CALIBRATION_FRAMES, NeutralEstimator, OneEuroState
from mien.rotation import unit_quaternion
from mien.session_options import SessionOptions
from mien.session_state import SessionState
from mien.tracker.features import LARGEST_FEATURE, FeatureLayout

__all__ = ["pack_state", "packed_size", "snapshot_key", "unpack_state"]

_MAGIC = b"MIENSES2"
_HEAD = struct.Struct("<8s16sI")
_BODY = struct.Struct("<3d4I")
"""time, seen, confidence; frames wanted and used, has neutral, has smoothing"""
_RELATIVE = 0xFFFFFFFF  # as `wanted`: features come relative to their neutral
_LATEST_S = 1e12  # above any clock's seconds

Float32Array = NDArray[np.float32]


def pack_state(state: SessionState, key: bytes) -> bytes:
    """The bytes of a session's state; `key` as `snapshot_key` gives it."""
    calibration, smoothing = state.calibration, state.smoothing
    neutral = None if calibration is None else calibration.neutral
    head = _BODY.pack(
        np.nan if state.time_s is None else state.time_s,
        np.nan if state.seen_s is None else state.seen_s,
        state.confidence,
        _RELATIVE if calibration is None else calibration.wanted,
        0 if calibration is None else calibration.seen,
        neutral is not None,
        smoothing is not None,
    )
    body = head + b"".join(np.ascontiguousarray(a, "<f4").tobytes() for a in _arrays(state))
    return _HEAD.pack(_MAGIC, key, zlib.crc32(body)) + body


def packed_size(state: SessionState) -> int:
    """How many bytes `pack_state` will give, without packing."""
    return _HEAD.size + _BODY.size + 4 * sum(array.size for array in _arrays(state))


def _arrays(state: SessionState) -> list[Float32Array]:
    """The arrays of a snapshot, in their order."""
    calibration, smoothing = state.calibration, state.smoothing
    arrays = [
        state.channels, state.head_rotation_xyzw, state.head_translation_m,
        state.animator.h, state.animator.c,
    ]  # fmt: skip
    if calibration is not None:
        arrays.append(calibration.frames)
        if calibration.neutral is not None:
            arrays.append(calibration.neutral)
    if smoothing is not None:
        arrays += [smoothing.raw, smoothing.smooth, smoothing.speed]
    return arrays


def unpack_state(
    data: bytes, key: bytes, old: SessionState, features: int, max_frames: int
) -> SessionState:
    """The state in `data`, for a session of this `key` with F `features` whose state is `old`.

    Raises InputError for bytes that are not such a session's snapshot, and for a calibration that
    still watches more than `max_frames` frames.
    """
    if len(data) < _HEAD.size + _BODY.size or not data.startswith(_MAGIC[:7]):
        raise InputError(f"snapshot: {len(data)} bytes that are not a session's snapshot")
    magic, packed_key, crc = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise InputError(f"snapshot: of version {magic[7:]!r}, this reader knows {_MAGIC[7:]!r}")
    if packed_key != key:
        raise InputError("snapshot: of a session with another character or other options")
    body = data[_HEAD.size :]
    if zlib.crc32(body) != crc:
        raise InputError("snapshot: damaged (its checksum is wrong)")
    time_s, seen_s, confidence, wanted, used, has_neutral, smooths = _BODY.unpack_from(body)
    f, c = features, len(old.channels)
    shapes: list[tuple[int, ...]] = [(c,), (4,), (3,), old.animator.h.shape, old.animator.c.shape]
    relative = wanted == _RELATIVE
    largest = 0 if relative else MAX_CALIBRATION_FRAMES
    if not (relative or wanted <= largest) or used > min(wanted, largest):
        raise InputError("snapshot: damaged (impossible counts)")
    if used < wanted and not relative and wanted > max_frames:
        raise InputError(
            f"snapshot: its calibration watches {wanted} frames, expected at most {max_frames}"
        )
    if has_neutral > 1 or smooths > 1:
        raise InputError("snapshot: damaged (impossible counts)")
    shapes += [] if relative else [(NeutralEstimator.kept_of(wanted, used), f)]
    shapes += [(f,)] * has_neutral + [(c,)] * (3 * smooths)
    sizes = [int(np.prod(shape)) for shape in shapes]
    if len(body) != _BODY.size + 4 * sum(sizes):
        raise InputError(f"snapshot: damaged ({len(body)} bytes do not hold what they announce)")
    flat = np.frombuffer(body, "<f4", offset=_BODY.size).astype(np.float32)
    numbers = [confidence, *(t for t in (time_s, seen_s) if not np.isnan(t))]
    sane = bool((np.abs(flat) < LARGEST_FEATURE).all() and (np.abs(numbers) < _LATEST_S).all())
    if not (sane and 0 <= confidence <= 1):
        raise InputError("snapshot: damaged (values that no session has)")
    parts = np.split(flat, np.cumsum(sizes)[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    channels, rotation, translation, h0, c0 = arrays[:5]
    rest = arrays[5:]
    if not 0.5 < float(np.linalg.norm(rotation)) < 2 or _impossible(time_s, seen_s):
        raise InputError("snapshot: damaged (impossible pose or times)")
    calibration = None
    if not relative:
        frames = rest.pop(0)
        calibration = NeutralEstimator(wanted, used, frames, rest.pop(0) if has_neutral else None)
        if calibration.neutral is None and (used or not wanted):
            raise InputError("snapshot: damaged (calibration without a neutral)")
    elif has_neutral:
        raise InputError("snapshot: damaged (a neutral where none is used)")
    return replace(
        old,
        time_s=None if np.isnan(time_s) else time_s,
        seen_s=None if np.isnan(seen_s) else seen_s,
        animator=replace(old.animator, h=h0, c=c0),
        calibration=calibration,
        smoothing=OneEuroState(*rest) if smooths else None,
        channels=channels,
        head_rotation_xyzw=unit_quaternion(rotation).astype(np.float32),
        head_translation_m=translation,
        confidence=confidence,
    )


def _impossible(time_s: float, seen_s: float) -> bool:
    return not np.isnan(seen_s) and not seen_s <= time_s


def snapshot_key(
    channel_names: Sequence[str],
    layout: FeatureLayout,
    options: SessionOptions,
    state: SessionState,
) -> bytes:
    """(16 bytes) what two sessions must have in common to exchange snapshots."""
    shapes = state.animator.h.shape, state.animator.c.shape
    what = (tuple(channel_names), layout.names_and_sizes, options, *shapes)
    return hashlib.sha256(repr(what).encode()).digest()[:16]
