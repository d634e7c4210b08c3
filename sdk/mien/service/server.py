"""The server: characters over gRPC with health, reflection, TLS, tokens and an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from mien.errors import InputError, ServiceError
from mien.service.animation_service import AnimationService
from mien.service.character_registry import CharacterRegistry
from mien.service.character_service import CharacterService
from mien.service.detail_maps import DetailMapWorker
from mien.service.limits import Limits
from mien.service.performers import StepBatcher, run_steps
from mien.service.security import (
    TokenInterceptor,
    check_exposure,
    host_of,
    read_token,
    server_credentials,
)
from mien.service.session_limiter import SessionLimiter
from mien.service.shared import Shared
from mien.service.tracking_service import FaceSource, TrackingService
from mien.service.v1 import (
    animation_service_pb2,
    character_service_pb2,
    character_service_pb2_grpc,
    tracking_service_pb2,
)
from mien.session import SessionOptions

__all__ = ["SERVICES", "Server", "ServerConfig"]

log = logging.getLogger("mien.service")

SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (character_service_pb2, "CharacterService"),
        (animation_service_pb2, "AnimationService"),
        (tracking_service_pb2, "TrackingService"),
    )
)

_MARGIN_BYTES = 4096  # messages just too large get a service's own words, larger ones gRPC's


@dataclass(frozen=True)
class ServerConfig:
    """Where and how to serve."""

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
    calibration_frames: int = SessionOptions.calibration_frames
    """First frames searched for a relaxed face, for performers who bring no neutral."""
    tracking_threads: int = 2
    """Images tracked at the same time, over all sessions."""
    limits: Limits = field(default_factory=Limits)
    """What one session gets, and all of them together."""


def _milliseconds(seconds: float) -> int:
    """As gRPC takes it: a positive int32."""
    return min(max(round(1000 * seconds), 1), 2**31 - 1)


def _new_tracker(max_faces: int) -> FaceSource:
    from mien.tracker import Tracker

    return Tracker(max_faces=max_faces)


class Server:
    """One server in one process and one event loop. `start`, then `serve_until` or `stop`.

    Raises InputError for a configuration that contradicts itself or is not safe.
    """

    def __init__(
        self,
        registry: CharacterRegistry,
        config: ServerConfig | None = None,
        new_tracker: Callable[[int], FaceSource] = _new_tracker,
    ) -> None:
        self._config = config = config or ServerConfig()
        self._credentials = server_credentials(config.tls_cert, config.tls_key, config.client_ca)
        check_exposure(config.address, self._credentials is not None, config.insecure)
        if config.tracking_threads < 1 or config.calibration_frames < 1:
            raise InputError(
                f"tracking_threads is {config.tracking_threads} and calibration_frames "
                f"{config.calibration_frames}, expected at least 1"
            )
        self._token = None if config.token_file is None else read_token(config.token_file)
        self._registry = registry
        self._new_tracker = new_tracker
        self.limiter = SessionLimiter(config.limits)
        self.batcher: StepBatcher = StepBatcher(run_steps)
        self._map_worker = DetailMapWorker()
        self._workers = ThreadPoolExecutor(config.tracking_threads, "mien-track")
        self._server: grpc.aio.Server | None = None
        self._health = health.aio.HealthServicer()
        self.address = config.address
        """HOST:PORT, the port as bound once started."""

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self._credentials is not None

    async def start(self) -> str:
        """Listen; returns the address. Raises ServiceError when it cannot be bound."""
        config, limits = self._config, self._config.limits
        largest = max(limits.max_image_bytes, limits.max_message_bytes, limits.max_open_bytes)
        server = grpc.aio.server(
            interceptors=[] if self._token is None else [TokenInterceptor(self._token)],
            options=[
                ("grpc.max_receive_message_length", largest + _MARGIN_BYTES),
                ("grpc.so_reuseport", 0),  # a port that is taken must be an error
                # Clients ping every 20 s to notice a dead network; the default allows 5 minutes.
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
                # The only end of a call that lies behind messages which its client does not read.
                ("grpc.max_connection_age_ms", _milliseconds(limits.max_connection_age_s)),
                ("grpc.max_connection_age_grace_ms", _milliseconds(limits.connection_grace_s)),
            ],
            maximum_concurrent_rpcs=limits.max_calls,
        )
        shared = Shared(
            self._registry,
            self.batcher,
            self.limiter,
            limits,
            config.calibration_frames,
            self._map_worker,
        )
        add_characters: Any = character_service_pb2_grpc.add_CharacterServiceServicer_to_server
        add_characters(CharacterService(self._registry, limits.idle_timeout_s), server)
        tracking = TrackingService(shared, self._workers, self._new_tracker)
        server.add_generic_rpc_handlers((AnimationService(shared).handler(), tracking.handler()))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        try:
            if self._credentials is None:
                port = server.add_insecure_port(config.address)
            else:
                port = server.add_secure_port(config.address, self._credentials)
        except RuntimeError as reason:
            raise ServiceError(f"cannot listen on {config.address!r}: {reason}") from None
        if port == 0:
            raise ServiceError(f"cannot listen on {config.address!r}: is the port taken?")
        host = host_of(config.address)
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        await server.start()
        self._server = server
        await self._report(health_pb2.HealthCheckResponse.SERVING, ("", *SERVICES))
        log.info("serving %s on %s", ", ".join(self._registry), self.address)
        return self.address

    async def serve_until(self, stopped: asyncio.Event, grace_s: float = 5.0) -> None:
        """Serve until the event is set, then stop as `stop` does."""
        await stopped.wait()
        await self.stop(grace_s)

    async def stop(self, grace_s: float = 5.0) -> None:
        """Stop in order: health says NOT_SERVING and no session opens any more; open sessions get
        `grace_s` seconds, with a resume token in every answer; then they end as UNAVAILABLE."""
        if self._server is None:
            return
        await self._report(health_pb2.HealthCheckResponse.NOT_SERVING, ("", *SERVICES))
        self.limiter.draining = True
        deadline = asyncio.get_running_loop().time() + grace_s
        while len(self.limiter) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        self.limiter.drain()
        await self._server.stop(1.0)
        self._server = None
        self.batcher.close()
        self._map_worker.close()
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def _report(self, status: int, services: Sequence[str]) -> None:
        for service in services:
            await self._health.set(service, status)
