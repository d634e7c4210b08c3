"""The performers of one stream: a mien session each, stepped together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.deform import blend, shape_weights
from mien.errors import InputError
from mien.frame import Frame
from mien.service.batcher import Batcher
from mien.service.character_registry import ServedCharacter
from mien.service.layouts import check_features, layout_of
from mien.service.limits import ServerBudgets
from mien.service.resume_token import pack_token, token_size, unpack_token
from mien.service.statuses import LimitError
from mien.session import Observation, Session, SessionOptions, step_many
from mien.tracker.face_track import FaceTrack

if TYPE_CHECKING:
    from mien.avatar.playback.coefficient_model import CoefficientModel
    from mien.rig import Rig

__all__ = ["Performers", "Step", "StepBatcher", "StepResult", "run_steps"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Step:
    """One performer's step, as the batcher runs it."""

    session: Session
    seen: Observation | FaceTrack
    """Raw features in the character's layout (none: no face is seen), or a tracked face."""
    time_s: float
    vertices_of: Rig | None = None
    """The rig to deform, where vertices are wanted."""
    avatar: CoefficientModel | None = None
    """What gives the avatar's coefficients, where they are wanted."""


@dataclass(frozen=True, eq=False)
class StepResult:
    """What came of it."""

    frame: Frame
    vertices: Float32Array | None
    """(V, 3) metres, rig space."""


StepBatcher = Batcher[Step, StepResult]


def run_steps(steps: Sequence[Step]) -> list[StepResult | Exception]:
    """Run steps of different sessions, those of one character in one run of its network."""
    results: dict[int, StepResult | Exception] = {}
    by_animator: dict[int, list[int]] = {}
    for index, step in enumerate(steps):
        by_animator.setdefault(id(step.session.animator), []).append(index)
    for indices in by_animator.values():
        group = [steps[index] for index in indices]
        before = [step.session.state for step in group]
        try:
            frames: Sequence[Frame | Exception] = step_many(
                [step.session for step in group],
                [step.seen for step in group],
                [step.time_s for step in group],
            )
        except Exception:  # no session has changed: find whose input or network it was
            frames = [_step_alone(step) for step in group]
        for index, frame, state in zip(indices, frames, before, strict=True):
            results[index] = result = _finished(steps[index], frame)
            if isinstance(result, Exception):  # a client that sends the frame again may go on
                steps[index].session.return_to(state)
    return [results[index] for index in range(len(steps))]


def _step_alone(step: Step) -> Frame | Exception:
    try:
        return step.session.step(step.seen, step.time_s)
    except Exception as error:
        return error


def _finished(step: Step, frame: Frame | Exception) -> StepResult | Exception:
    if isinstance(frame, Exception):
        return frame
    try:
        if step.avatar is not None:
            frame = replace(frame, avatar=step.avatar.of_frame(frame))
        return StepResult(frame, _vertices(step.vertices_of, frame))
    except Exception as error:
        return error


def _vertices(rig: Rig | None, frame: Frame) -> Float32Array | None:
    if rig is None:
        return None
    return blend(rig, shape_weights(rig, frame.channel_names, frame.channels))


class Performers:
    """Sessions by performer id, made when a performer first appears."""

    def __init__(
        self,
        served: ServedCharacter,
        batcher: StepBatcher,
        limit: int,
        budgets: ServerBudgets,
        options: SessionOptions,
        neutrals: Mapping[str, Float32Array] | None = None,
        vertices: bool = False,
        avatar: CoefficientModel | None = None,
    ) -> None:
        self._served = served
        self._batcher = batcher
        self._limit = limit
        self._budgets = budgets
        self._neutrals = dict(neutrals or {})
        self._options = options
        self._rig = served.character.rig if vertices else None
        self._avatar = avatar
        self._sessions: dict[str, Session] = {}
        self._charged: dict[str, int] = {}  # performer -> bytes charged for a calibration
        layout = layout_of(served)
        if len(self._neutrals) > limit:
            raise LimitError(f"{len(self._neutrals)} neutrals, at most {limit} performers")
        if self._neutrals and not options.calibration_frames:
            raise InputError("calibration: neutrals were given for features without theirs")
        for name, neutral in self._neutrals.items():
            check_features(neutral, layout, f"{name} (neutral)")

    async def step(
        self, seen: Mapping[str, Observation | FaceTrack], time_s: float
    ) -> dict[str, StepResult]:
        """Step every performer in `seen`; they go to the batcher together."""
        if len(seen) > self._limit:
            raise LimitError(f"a frame of {len(seen)} performers, at most {self._limit} are taken")
        steps = [
            Step(self._session(name, seen), value, time_s, self._rig, self._avatar)
            for name, value in seen.items()
        ]
        done = await asyncio.gather(*(self._batcher.step(step) for step in steps))
        for name in seen:
            self._charge(name)
        return dict(zip(seen, done, strict=True))

    def _session(self, name: str, present: Mapping[str, object]) -> Session:
        """The performer's session, now the most recently used; makes room by the least recent."""
        session = self._sessions.pop(name, None)
        if session is None:
            for other in list(self._sessions):
                if len(self._sessions) < self._limit:
                    break
                if other not in present:
                    del self._sessions[other]
                    self._budgets.performers.release(1)
                    self._charge(other)
            return self._new(name)
        self._sessions[name] = session
        return session

    def _new(self, name: str) -> Session:
        self._budgets.performers.spend(1, f"performer {name!r}")
        self._sessions[name] = self._served.character.session(
            neutral=self._neutrals.get(name), options=self._options
        )
        self._charge(name)
        return self._sessions[name]

    def _charge(self, name: str) -> None:
        """Charge what the performer's calibration may take from now on: nothing once it is ready
        or the performer gone."""
        session = self._sessions.get(name)
        calibration = None if session is None else session.state.calibration
        before = self._charged.get(name, 0)
        after = 0 if calibration is None else calibration.reserved_bytes
        if after > before:
            more = after - before
            self._budgets.calibration_bytes.spend(more, f"calibration of performer {name!r}")
        else:
            self._budgets.calibration_bytes.release(before - after)
        self._charged[name] = after
        if not after:
            del self._charged[name]

    def calibrate(
        self, neutrals: Mapping[str, Float32Array], ids: Sequence[str], frames: int
    ) -> None:
        """Take neutrals (F,) from now on, and watch `frames` frames of each of `ids` for one.

        Raises InputError, no performer has changed then; LimitError, which ends the stream.
        """
        if not self._options.calibration_frames:
            raise InputError("calibrate: the features of this session come without their neutral")
        names = {*neutrals, *ids}
        if len(names) > self._limit:
            raise LimitError(f"calibrate: {len(names)} performers, at most {self._limit} are taken")
        layout = layout_of(self._served)
        for name, neutral in neutrals.items():
            check_features(neutral, layout, f"{name} (neutral)")
        for name in sorted(names):
            self._session(name, dict.fromkeys(names)).calibrate(neutrals.get(name), frames)
            self._charge(name)

    @property
    def sessions(self) -> Mapping[str, Session]:
        """The sessions by performer, the least recently used first."""
        return self._sessions

    def close(self) -> None:
        """Forget all performers, and give back what they were charged for."""
        self._budgets.performers.release(len(self._sessions))
        self._budgets.calibration_bytes.release(sum(self._charged.values()))
        self._sessions.clear()
        self._charged.clear()

    def token(self, max_bytes: int) -> bytes:
        """The state of every performer, for `restore` here or on another server.

        Empty while it would have more than `max_bytes`, which no server takes back.
        """
        sessions = self._sessions.items()
        if token_size((name, session.snapshot_bytes) for name, session in sessions) > max_bytes:
            return b""
        states = {name: session.snapshot() for name, session in sessions}
        return pack_token(self._served.sha256, states)

    def restore(self, token: bytes, max_frames: int) -> None:
        """Take over the state in a token.

        Raises InputError if it belongs to another package, or still watches more than `max_frames`
        frames for a neutral; LimitError.
        """
        states = unpack_token(token, self._served.sha256)
        if len(states) > self._limit:
            raise LimitError(
                f"resume_token: holds {len(states)} performers, at most {self._limit} are taken"
            )
        for name, state in states.items():
            self._new(name).restore(state, max_frames)
            self._charge(name)
