"""Pictures of avatars for sessions that ask for them, drawn beside the animation."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from mien.avatar.playback.avatar_image import AvatarPicture
from mien.avatar.playback.portrait import portrait
from mien.avatar_kinds import SplatsEntry
from mien.errors import InputError, MissingExtraError
from mien.frame import Frame
from mien.service.character_registry import ServedCharacter
from mien.service.limits import Limits
from mien.service.performers import StepResult
from mien.service.wire import AvatarPictureOutputs

__all__ = ["PictureWorker", "SessionPictures", "check_pictures"]

Result = TypeVar("Result")
_FASTEST = 1
"""Of PNG's compression: a picture is sent once."""


def check_pictures(
    wanted: AvatarPictureOutputs, served: ServedCharacter | None, rate_hz: float, limits: Limits
) -> None:
    """Raises InputError, naming the field, for pictures that the character cannot give or that are
    more than the limits."""
    field = "outputs.avatar_picture"
    if served is None:
        raise InputError(f"{field} is set: name the character whose avatar is wanted")
    if not served.character.has_avatar:
        raise InputError(f"{field}: character {served.character.name!r} has no avatar")
    if SplatsEntry.KIND not in served.character.avatars:
        # A picture of a volume takes longer than the limits, which count pixels, make of it.
        raise InputError(
            f"{field}: character {served.character.name!r} has no avatar of splats, only a volume"
        )
    if not 1 <= wanted.side <= limits.max_avatar_picture_side:
        raise InputError(
            f"{field}.side is {wanted.side}, expected 1 to {limits.max_avatar_picture_side}"
        )
    per_s = wanted.pixels * rate_hz / wanted.every
    if per_s > limits.max_avatar_pixels_per_s:
        every = math.ceil(wanted.pixels * rate_hz / limits.max_avatar_pixels_per_s)
        raise InputError(
            f"{field}.every is {wanted.every}, expected at least {every}: pictures of "
            f"{wanted.pixels} pixels at {rate_hz:g} Hz would be {per_s:.0f} pixels a second, and "
            f"at most {limits.max_avatar_pixels_per_s} are drawn"
        )


class PictureWorker:
    """Draws for all sessions of a server, one picture at a time, in a thread of its own.

    A picture takes as long as hundreds of steps of the animation, which it must not hold up. An
    avatar is read when a session first asks for it, and kept.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "mien-picture")
        self.waiting = 0
        """Pictures that are being drawn or wait for that."""

    async def load(self, served: ServedCharacter) -> None:
        """Read the character's avatar. Raises PackageError for a broken one, InputError where this
        server cannot draw."""
        await self._run(partial(_load, served))

    async def draw(
        self, served: ServedCharacter, wanted: AvatarPictureOutputs, frame: Frame
    ) -> AvatarPicture:
        """The avatar in a frame; `load` must have been called."""
        self.waiting += 1
        try:
            return await self._run(partial(_draw, served, wanted, frame))
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Let the thread end after its present work."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class SessionPictures:
    """When the frames of one session come with pictures: as often as asked for, within limits, and
    while the server is not busy with others'.

    What is more than that is left out, so that animation goes on without it.
    """

    def __init__(
        self,
        worker: PictureWorker,
        served: ServedCharacter,
        wanted: AvatarPictureOutputs,
        limits: Limits,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._worker = worker
        self._served = served
        self._wanted = wanted
        self._most_waiting = limits.max_waiting_avatar_pictures
        self._per_s = limits.max_avatar_pixels_per_s
        self._most = max(wanted.pixels, limits.max_avatar_pixels_per_answer)
        self._clock = clock
        self._allowed = float(self._most)
        self._at_s = clock()
        self._answers = 0

    async def added(self, stepped: dict[str, StepResult]) -> dict[str, StepResult]:
        """The performers' steps of one answer, their frames with pictures where they are due."""
        due = self._answers % self._wanted.every == 0
        self._answers += 1
        if not due:
            return stepped
        return {name: await self._with_picture(step) for name, step in stepped.items()}

    async def _with_picture(self, step: StepResult) -> StepResult:
        now = self._clock()
        self._allowed += (now - self._at_s) * self._per_s
        self._allowed, self._at_s = min(self._allowed, self._most), now
        if self._allowed < self._wanted.pixels or self._worker.waiting >= self._most_waiting:
            return step
        self._allowed -= self._wanted.pixels
        drawn = await self._worker.draw(self._served, self._wanted, step.frame)
        return replace(step, frame=replace(step.frame, avatar_picture=drawn))


def _load(served: ServedCharacter) -> None:
    from mien.avatar.playback.splat_avatar import require_drawing

    try:
        require_drawing()
    except MissingExtraError as error:
        raise InputError(f"outputs.avatar_picture: this server cannot draw: {error}") from None
    served.character.avatar("splats")


def _draw(served: ServedCharacter, wanted: AvatarPictureOutputs, frame: Frame) -> AvatarPicture:
    character, side = served.character, wanted.side
    camera = portrait(character.rig, side, side)
    image = character.avatar("splats").image(frame, camera, side, side)
    return AvatarPicture(side, image.png(_FASTEST), image.mark)
