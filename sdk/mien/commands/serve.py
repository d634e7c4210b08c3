"""`mien serve`: characters over gRPC, until told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mien.service.character_registry import CharacterRegistry, ServedCharacter
from mien.service.server import Server, ServerConfig

__all__ = ["ServeConfig", "run"]


@dataclass(frozen=True, kw_only=True)
class ServeConfig(ServerConfig):
    """Serve character packages over gRPC until interrupted (SIGINT or SIGTERM)."""

    packages: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The characters, .mien files or folders; none: tracking only."""
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
    registry = CharacterRegistry(ServedCharacter.load(path) for path in config.packages)
    server = Server(registry, config)
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
