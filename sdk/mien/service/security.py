"""Who may connect: loopback only unless secured, TLS and client certificates, bearer tokens."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc

from mien.errors import InputError
from mien.service.statuses import CredentialError, status_of

__all__ = [
    "TokenInterceptor",
    "channel_credentials",
    "check_exposure",
    "host_of",
    "is_loopback",
    "read_token",
    "server_credentials",
]

_MIN_TOKEN = 16
_OPEN_METHODS = "/grpc.health.v1.Health/"
"""Health stays open: probes and load balancers carry no token, and it tells nothing but health."""


def host_of(address: str) -> str:
    """The host in "host:port" or "[v6]:port". Raises InputError for anything else."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not (host and colon and port.isdecimal() and int(port) <= 65535):
        raise InputError(f"address {address!r} is not HOST:PORT (IPv6 as [HOST]:PORT)")
    return host


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach a server at `address`."""
    host = host_of(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_exposure(address: str, tls: bool, insecure: bool) -> None:
    """Refuse plain text on a network, unless told to. Raises InputError."""
    if not is_loopback(address) and not tls and not insecure:
        raise InputError(
            f"address {address!r} can be reached from other machines and has no TLS: give "
            "--tls-cert and --tls-key, listen on 127.0.0.1, or say --insecure to accept that "
            "anyone on the way can read and alter the stream"
        )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as reason:
        raise InputError(f"cannot read the {what} {str(path)!r}: {reason.strerror}") from None


def read_token(path: Path) -> str:
    """The bearer token in a file, without surrounding white space.

    Raises InputError for a file that cannot be read, and for tokens that are short or not ASCII.
    """
    token = _read(path, "token file").decode("ascii", errors="replace").strip()
    if len(token) < _MIN_TOKEN or not token.isascii() or any(c.isspace() for c in token):
        raise InputError(
            f"token file {str(path)!r} must hold one token of at least {_MIN_TOKEN} ASCII "
            "characters without spaces (python -c 'import secrets; print(secrets.token_hex())')"
        )
    return token


def server_credentials(
    cert: Path | None, key: Path | None, client_ca: Path | None
) -> grpc.ServerCredentials | None:
    """TLS from PEM files; with `client_ca` clients must show a certificate that it signed.

    None when nothing was given. Raises InputError for half of a pair and unreadable files.
    """
    if (cert is None) != (key is None):
        raise InputError("--tls-cert and --tls-key go together: one of them is missing")
    if cert is None or key is None:
        if client_ca is not None:
            raise InputError("--client-ca needs TLS: give --tls-cert and --tls-key too")
        return None
    pair = (_read(key, "TLS key"), _read(cert, "TLS certificate"))
    for data, path in zip(pair, (key, cert), strict=True):
        if b"-----BEGIN " not in data:
            raise InputError(f"{str(path)!r} is not a PEM file")
    roots = None if client_ca is None else _read(client_ca, "client authority")
    return grpc.ssl_server_credentials([pair], roots, require_client_auth=roots is not None)


def channel_credentials(
    server_ca: Path | None, cert: Path | None = None, key: Path | None = None
) -> grpc.ChannelCredentials:
    """A client's TLS: whom to trust (the system's roots if None) and its own certificate."""
    if (cert is None) != (key is None):
        raise InputError("a client certificate needs its key, and the other way round")
    return grpc.ssl_channel_credentials(
        None if server_ca is None else _read(server_ca, "server authority"),
        None if key is None else _read(key, "client key"),
        None if cert is None else _read(cert, "client certificate"),
    )


class TokenInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc,unused-ignore]
    """Ends every call without `authorization: Bearer TOKEN`, health checks excepted."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(details)
        method = str(details.method)
        if handler is None or method.startswith(_OPEN_METHODS):
            return handler
        given = [value for key, value in details.invocation_metadata if key == "authorization"]
        shown = given[0] if len(given) == 1 else ""
        # Compared in constant time: the time taken must not tell how much of a guess was right.
        if hmac.compare_digest(shown.encode() if isinstance(shown, str) else shown, self._expected):
            return handler
        return _refusing(handler, "bearer token missing" if not given else "bearer token wrong")


def _refusing(handler: Any, text: str) -> Any:
    """A handler of the same kind that ends every call as UNAUTHENTICATED."""
    code, details = status_of(CredentialError(text))

    async def refuse(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await context.abort(code, details)

    async def refuse_stream(
        request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        await context.abort(code, details)
        yield

    kinds = {
        (False, False): (grpc.unary_unary_rpc_method_handler, refuse),
        (False, True): (grpc.unary_stream_rpc_method_handler, refuse_stream),
        (True, False): (grpc.stream_unary_rpc_method_handler, refuse),
        (True, True): (grpc.stream_stream_rpc_method_handler, refuse_stream),
    }
    make, refusal = kinds[handler.request_streaming, handler.response_streaming]
    return make(refusal, handler.request_deserializer, handler.response_serializer)
