"""`mien serve`: characters over gRPC, until told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from mien.service.catalogue import Catalogue, Offer
from mien.service.live import Limits
from mien.service.server import Server, ServerConfig

__all__ = ["ServeConfig", "run"]


@dataclass(frozen=True)
class ServeConfig:
    """Serve character packages over gRPC until interrupted (SIGINT or SIGTERM)."""

    packages: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The characters, .mien files or folders; none: tracking only."""
    address: str = "127.0.0.1:50051"
    """HOST:PORT to listen on; port 0 takes a free one."""
    tls_cert: Path | None = None
    """PEM file: the server's certificate and its chain."""
    tls_key: Path | None = None
    """PEM file: the certificate's private key."""
    client_ca: Path | None = None
    """PEM file: clients must show a certificate signed by this authority (mutual TLS)."""
    token_file: Path | None = None
    """File with a bearer token that every call but health checks must show."""
    insecure: bool = False
    """Accept plain text on an address that other machines can reach."""
    calibration_frames: int = ServerConfig.calibration_frames
    """First frames watched for a calm face, for performers who bring no neutral."""
    tracking_threads: int = ServerConfig.tracking_threads
    """Pictures tracked at the same time, over all sessions."""
    grace_s: float = 5.0
    """Seconds that open sessions get when the server stops."""
    limits: Limits = field(default_factory=Limits)
    """What every session is granted."""
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
    catalogue = Catalogue(Offer.load(path) for path in config.packages)
    server = Server(
        catalogue,
        ServerConfig(
            address=config.address,
            tls_cert=config.tls_cert,
            tls_key=config.tls_key,
            client_ca=config.client_ca,
            token_file=config.token_file,
            insecure=config.insecure,
            calibration_frames=config.calibration_frames,
            tracking_threads=config.tracking_threads,
            limits=config.limits,
        ),
    )
    asyncio.run(_serve(server, catalogue, config))
    return 0


async def _serve(server: Server, catalogue: Catalogue, config: ServeConfig) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows: Ctrl+C interrupts asyncio.run instead
            pass
    address = await server.start()
    if config.json:
        ready = {"address": address, "characters": list(catalogue), "tls": server.secure}
        print(json.dumps(ready), flush=True)
    else:
        names = ", ".join(catalogue) or "tracking only"
        print(f"serving {names} on {address}{' (TLS)' if server.secure else ''}", flush=True)
    await server.serve_until(stopped, config.grace_s)
