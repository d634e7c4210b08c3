"""A server in this process, on the background loop that the synchronous client uses too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mien.package import write_package
from mien.service import background
from mien.service.character_registry import CharacterRegistry
from mien.service.server import Server, ServerConfig
from support.packages import FEATURE_SIZE, tiny_content

NEUTRAL = np.linspace(0, 0.1, FEATURE_SIZE, dtype=np.float32)


def write_sphere(folder: Path) -> Path:
    """A small, sound package with a real network."""
    return write_package(folder / "sphere.mien", *tiny_content())


def take(count: int = 12, seed: int = 0) -> list[tuple[np.ndarray, float]]:
    """(features, time_s) of a performance at about 30 frames a second."""
    rng = np.random.default_rng(seed)
    features = rng.random((count, FEATURE_SIZE), np.float32)
    times = 5.0 + np.cumsum(rng.uniform(0.02, 0.05, count))
    return [(x, float(t)) for x, t in zip(features, times, strict=True)]


@contextmanager
def serving(
    registry: CharacterRegistry, new_tracker: Any = None, **config: Any
) -> Iterator[Server]:
    """A running server on a free loopback port."""
    settings = ServerConfig(**({"address": "127.0.0.1:0"} | config))
    server = (
        Server(registry, settings)
        if new_tracker is None
        else Server(registry, settings, new_tracker)
    )
    background.run(server.start())
    try:
        yield server
    finally:
        background.run(server.stop(0.0))


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Let the server's event loop run until `condition` holds; fails after `timeout_s`."""

    async def wait() -> None:
        while not condition():
            await asyncio.sleep(0.001)

    background.run(asyncio.wait_for(wait(), timeout_s))


def wait_until_empty(server: Server) -> None:
    """Until every session is over: the server hears of a client's end a moment later."""
    wait_until(lambda: not len(server.limiter))
