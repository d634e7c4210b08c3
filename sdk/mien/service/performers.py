"""The performers of one stream: a mien session each, stepped together."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.deform import blend, shape_weights
from mien.errors import InputError
from mien.filters import OneEuroConfig
from mien.frame import Frame
from mien.service.batcher import Batcher
from mien.service.catalogue import Offer
from mien.service.statuses import LimitError
from mien.service.wire import Layout
from mien.session import Observation, Session, step_many
from mien.tracker.face_track import FaceTrack

if TYPE_CHECKING:
    from mien.rig import Rig

__all__ = [
    "Performers",
    "Step",
    "StepBatcher",
    "Stepped",
    "check_features",
    "layout_of",
    "run_steps",
]

Float32Array = NDArray[np.float32]

_MAGIC = b"MIENRES1"


@dataclass(frozen=True, eq=False)
class Step:
    """One performer's step, as the batcher runs it."""

    session: Session
    seen: Observation | FaceTrack
    """Raw features in the character's layout (none: no face is seen), or a tracked face."""
    time_s: float
    vertices_of: Rig | None = None
    """The rig to deform, where vertices are wanted."""


@dataclass(frozen=True, eq=False)
class Stepped:
    """What came of it."""

    frame: Frame
    vertices: Float32Array | None
    """(V, 3) metres, rig space."""


StepBatcher = Batcher[Step, Stepped]


def run_steps(steps: Sequence[Step]) -> list[Stepped | Exception]:
    """Run steps of different sessions, those of one character in one run of its network."""
    results: dict[int, Stepped | Exception] = {}
    by_animator: dict[int, list[int]] = {}
    for index, step in enumerate(steps):
        by_animator.setdefault(id(step.session.animator), []).append(index)
    for indices in by_animator.values():
        group = [steps[index] for index in indices]
        try:
            frames: Sequence[Frame | Exception] = step_many(
                [step.session for step in group],
                [step.seen for step in group],
                [step.time_s for step in group],
            )
        except InputError:  # raised before any session changed: find whose input it was
            frames = [_step_alone(step) for step in group]
        for index, frame in zip(indices, frames, strict=True):
            results[index] = _finished(steps[index], frame)
    return [results[index] for index in range(len(steps))]


def _step_alone(step: Step) -> Frame | Exception:
    try:
        return step.session.step(step.seen, step.time_s)
    except Exception as error:
        return error


def _finished(step: Step, frame: Frame | Exception) -> Stepped | Exception:
    if isinstance(frame, Exception):
        return frame
    try:
        return Stepped(frame, _vertices(step.vertices_of, frame))
    except Exception as error:
        return error


def _vertices(rig: Rig | None, frame: Frame) -> Float32Array | None:
    if rig is None:
        return None
    return blend(rig, shape_weights(rig, frame.channel_names, frame.channels))


def layout_of(offer: Offer) -> Layout:
    """The features that a character takes, with their hash."""
    layout = Layout(offer.character.layout.names_and_sizes)
    return replace(layout, sha256=layout.hash)


def check_layout(given: Layout, offer: Offer) -> None:
    """Raise InputError unless names, sizes and hash, as far as given, are the character's."""
    expected = layout_of(offer)
    if not given.groups and not given.sha256:
        raise InputError(
            f"character {offer.character.name!r} needs the feature layout by name: {expected}"
        )
    if given.groups and given.groups != expected.groups:
        raise InputError(
            f"character {offer.character.name!r} takes the feature groups {expected}, in this "
            f"order; the client sends {given}"
        )
    if given.sha256 and given.sha256 != expected.sha256:
        raise InputError(
            f"the feature layout's hash is {given.sha256!r}; character {offer.character.name!r} "
            f"takes {expected} with hash {expected.sha256!r}"
        )


def check_features(features: Float32Array, layout: Layout, performer: str) -> None:
    """Raise InputError unless `features` are as many as the layout has, and finite."""
    if features.shape != (layout.size,):
        raise InputError(
            f"performer {performer!r}: {features.size} feature values, expected {layout.size}: "
            f"{layout}"
        )
    bad = np.flatnonzero(~np.isfinite(features))
    if len(bad):
        index = int(bad[0])
        raise InputError(
            f"performer {performer!r}: feature {_name_of(index, layout)} is {features[index]}, "
            "expected finite numbers"
        )


def _name_of(index: int, layout: Layout) -> str:
    """Where in the layout a value stands, as group[place]."""
    for name, size in layout.groups:
        if index < size:
            return f"{name}[{index}]"
        index -= size
    raise IndexError(index)


class Performers:
    """Sessions by performer id, made when a performer first appears."""

    def __init__(
        self,
        offer: Offer,
        batcher: StepBatcher,
        limit: int,
        *,
        smoothing: OneEuroConfig | None = None,
        neutrals: Mapping[str, Float32Array] | None = None,
        calibration_frames: int,
        vertices: bool = False,
    ) -> None:
        self._offer = offer
        self._batcher = batcher
        self._limit = limit
        self._smoothing = smoothing
        self._neutrals = dict(neutrals or {})
        self._calibration_frames = calibration_frames
        self._rig = offer.character.rig if vertices else None
        self._sessions: dict[str, Session] = {}
        layout = layout_of(offer)
        if len(self._neutrals) > limit:
            raise LimitError(f"{len(self._neutrals)} neutrals, at most {limit} performers")
        if self._neutrals and not calibration_frames:
            raise InputError("calibration: neutrals were given for features without theirs")
        for name, neutral in self._neutrals.items():
            check_features(neutral, layout, f"{name} (neutral)")

    async def step(
        self, seen: Mapping[str, Observation | FaceTrack], time_s: float
    ) -> dict[str, Stepped]:
        """Step every performer in `seen`; they go to the batcher together."""
        if len(seen) > self._limit:
            raise LimitError(f"a frame of {len(seen)} performers, at most {self._limit} are taken")
        steps = [
            Step(self._session(name, seen), value, time_s, self._rig)
            for name, value in seen.items()
        ]
        done = await asyncio.gather(*(self._batcher.step(step) for step in steps))
        return dict(zip(seen, done, strict=True))

    def _session(self, name: str, present: Mapping[str, object]) -> Session:
        """The performer's session, now the most recently used; makes room by the least recent."""
        session = self._sessions.pop(name, None) or self._new(name)
        for other in list(self._sessions):
            if len(self._sessions) < self._limit:
                break
            if other not in present:
                del self._sessions[other]
        self._sessions[name] = session
        return session

    def _new(self, name: str) -> Session:
        neutral = self._neutrals.get(name)
        return self._offer.character.session(
            smoothing=self._smoothing,
            neutral=neutral,
            calibration_frames=self._calibration_frames,
        )

    def token(self) -> bytes:
        """The state of every performer, for `restore` here or on another server."""
        parts = [_MAGIC, bytes.fromhex(self._offer.sha256), struct.pack("<I", len(self._sessions))]
        for name, session in self._sessions.items():
            key, state = name.encode(), session.snapshot()
            parts += [struct.pack("<II", len(key), len(state)), key, state]
        token = b"".join(parts)
        return token + struct.pack("<I", zlib.crc32(token))  # against accidents, not against malice

    def restore(self, token: bytes) -> None:
        """Take over the state in a token. Raises InputError if it is none of this package."""
        reader = _Bytes(token[:-4])
        if reader.take(len(_MAGIC)) != _MAGIC:
            raise InputError("resume_token: these bytes are no resume token")
        if reader.take(32) != bytes.fromhex(self._offer.sha256):
            raise InputError(
                "resume_token: belongs to another character, or to another export of this one"
            )
        if struct.pack("<I", zlib.crc32(token[:-4])) != token[-4:]:
            raise InputError("resume_token: damaged")
        count = reader.number()
        if count > self._limit:
            raise InputError(f"resume_token: holds {count} performers, at most {self._limit}")
        for _ in range(count):
            key_size, state_size = reader.number(), reader.number()
            try:
                name = reader.take(key_size).decode()
            except UnicodeDecodeError:
                raise InputError("resume_token: damaged") from None
            session = self._new(name)
            session.restore(reader.take(state_size))
            self._sessions[name] = session
        if reader.left:
            raise InputError("resume_token: damaged")


class _Bytes:
    """Reads a token piece by piece."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise InputError("resume_token: cut short")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little")
