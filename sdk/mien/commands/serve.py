"""`mien serve`: characters over gRPC, until told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import tyro

import mien
from mien.budget import Budget
from mien.errors import InputError
from mien.onnx_session import provider_names
from mien.service.character_registry import CharacterRegistry, ServedCharacter
from mien.service.server import Server, ServerConfig
from mien.tracker import Tracker

__all__ = ["ServeConfig", "run"]


@dataclass(frozen=True, kw_only=True)
class ServeConfig(ServerConfig):
    """Serve character packages over gRPC until interrupted (SIGINT or SIGTERM)."""

    packages: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The characters, .mien files or folders; none: tracking only."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the networks run; cuda needs the extra `gpu`."""
    threads: int = 1
    """That work on one run of a network; 1 suits small networks best."""
    grace_s: float = 5.0
    """Seconds that open sessions get when the server stops."""
    verbose: bool = False
    """Log every session on stderr."""
    json: bool = False
    """Print one JSON object on stdout when ready, and nothing else there."""


def run(config: ServeConfig) -> int:
    """Load, serve, and stop in order when asked to."""
    logging.basicConfig(
        level=logging.INFO if config.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    budget = Budget(config.limits.max_package_bytes, "bytes", "packages", InputError)
    provider_names(config.device)  # CUDA that is not there is refused before anything is loaded
    if config.threads < 1:
        raise InputError(f"--threads is {config.threads}, expected 1 or more")
    load = partial(mien.load, providers=config.device, threads=config.threads)
    registry = CharacterRegistry(
        ServedCharacter.load(path, budget, load) for path in config.packages
    )
    server = Server(
        registry, config, partial(Tracker, providers=config.device, threads=config.threads)
    )
    asyncio.run(_serve(server, registry, config))
    return 0


async def _serve(server: Server, registry: CharacterRegistry, config: ServeConfig) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: Ctrl+C interrupts asyncio.run instead
            pass
    address = await server.start()
    if config.json:
        ready = {"address": address, "characters": list(registry), "tls": server.secure}
        print(json.dumps(ready), flush=True)
    else:
        names = ", ".join(registry) or "tracking only"
        print(f"serving {names} on {address}{' (TLS)' if server.secure else ''}", flush=True)
    await server.serve_until(stopped, config.grace_s)
