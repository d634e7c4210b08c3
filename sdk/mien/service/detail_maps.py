"""Maps of the skin for sessions that ask for them, blended beside the animation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from mien.blended_map import BlendedMap, height_codes
from mien.detail import DetailMaps
from mien.detail_normals import DetailNormals
from mien.frame import Frame
from mien.service.character_registry import ServedCharacter
from mien.service.limits import Limits
from mien.service.performers import StepResult
from mien.service.wire import DetailMapOutputs

__all__ = ["DetailMapWorker", "SessionMaps"]

Result = TypeVar("Result")


class DetailMapWorker:
    """Reads and blends maps for all sessions of a server, one at a time, in a thread of its own.

    Blending takes as long as many steps of the animation, which it must not hold up. Images are
    read when a session first asks for them, and kept: as many as the packages have sizes.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "mien-map")
        self._maps: dict[tuple[str, int], DetailMaps] = {}
        self._normals: dict[tuple[str, int], DetailNormals] = {}

    async def load(self, served: ServedCharacter, wanted: DetailMapOutputs) -> None:
        """Read the character's images. Raises PackageError for broken ones, and InputError where
        it has no normals of that side."""
        await self._run(partial(self._load, served, wanted))

    async def blend(
        self, served: ServedCharacter, wanted: DetailMapOutputs, frame: Frame
    ) -> BlendedMap:
        """The skin of a frame; `load` must have been called."""
        return await self._run(partial(self._blend, served, wanted, frame))

    def close(self) -> None:
        """Let the thread end after its present work."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _load(self, served: ServedCharacter, wanted: DetailMapOutputs) -> None:
        key = served.sha256, wanted.side
        if key not in self._maps:
            self._maps[key] = served.character.detail_maps(wanted.side)
            _ = self._maps[key].span_m  # computed now, not with the first frame
        if wanted.normal and key not in self._normals:
            self._normals[key] = DetailNormals.of(served.character.package, self._maps[key])

    def _blend(self, served: ServedCharacter, wanted: DetailMapOutputs, frame: Frame) -> BlendedMap:
        key = served.sha256, wanted.side
        maps, blended = self._maps[key], BlendedMap(wanted.side)
        if wanted.displacement:
            codes = height_codes(maps.displacement(frame.detail), *maps.span_m)
            low_m, high_m = maps.span_m
            blended = replace(blended, displacement_codes=codes, low_m=low_m, high_m=high_m)
        if wanted.normal:
            blended = replace(blended, normal_codes=self._normals[key].codes(frame.detail))
        return blended


class SessionMaps:
    """When the frames of one session come with maps: as often as asked for, and within limits.

    What is more than the limits is left out, so that animation goes on without it.
    """

    def __init__(
        self,
        worker: DetailMapWorker,
        served: ServedCharacter,
        wanted: DetailMapOutputs,
        limits: Limits,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`wanted`: as negotiated."""
        self._worker = worker
        self._served = served
        self._wanted = wanted
        self._per_answer = limits.max_detail_map_bytes
        self._per_s = limits.max_detail_map_bytes_per_s
        self._clock = clock
        self._allowed = float(self._per_answer)
        self._at_s = clock()
        self._answers = 0

    async def added(self, stepped: dict[str, StepResult]) -> dict[str, StepResult]:
        """The performers' steps of one answer, their frames with maps where they are due."""
        due = self._answers % self._wanted.every == 0
        self._answers += 1
        if not due:
            return stepped
        return {name: await self._with_map(step) for name, step in stepped.items()}

    async def _with_map(self, step: StepResult) -> StepResult:
        now = self._clock()
        self._allowed += (now - self._at_s) * self._per_s
        self._allowed, self._at_s = min(self._allowed, self._per_answer), now
        if self._allowed < self._wanted.size_bytes:
            return step
        self._allowed -= self._wanted.size_bytes
        blended = await self._worker.blend(self._served, self._wanted, step.frame)
        return replace(step, frame=replace(step.frame, detail_map=blended))
