"""Errors and gRPC status codes, both ways. No other module chooses a code."""

from __future__ import annotations

import grpc

from mien.errors import InputError, MienError, ServiceError

__all__ = [
    "CredentialError",
    "DrainingError",
    "IdleError",
    "LimitError",
    "OffsetError",
    "OrderError",
    "UnknownCharacterError",
    "error_of",
    "status_of",
]


class UnknownCharacterError(InputError):
    """No character of that name is served here."""


class OrderError(InputError):
    """Messages came in an order that the contract does not have."""


class OffsetError(InputError):
    """A download was asked to begin beyond the end of the file."""


class LimitError(ServiceError):
    """A limit of the server is reached: sessions, performers, bytes."""


class IdleError(ServiceError):
    """Nothing was sent for too long."""


class DrainingError(ServiceError):
    """The server is stopping."""


class CredentialError(ServiceError):
    """The token is missing or wrong."""


_CODES: tuple[tuple[type[MienError], grpc.StatusCode], ...] = (
    (UnknownCharacterError, grpc.StatusCode.NOT_FOUND),
    (OrderError, grpc.StatusCode.FAILED_PRECONDITION),
    (OffsetError, grpc.StatusCode.OUT_OF_RANGE),
    (LimitError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (IdleError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (DrainingError, grpc.StatusCode.UNAVAILABLE),
    (CredentialError, grpc.StatusCode.UNAUTHENTICATED),
    (InputError, grpc.StatusCode.INVALID_ARGUMENT),
)

_REMEDIES = {
    grpc.StatusCode.UNAVAILABLE: "is it running, and is the address right?",
    grpc.StatusCode.UNAUTHENTICATED: "give the server's token (token=..., --token-file)",
    grpc.StatusCode.UNIMPLEMENTED: "it is no mien server, or one of another version",
}


def status_of(error: BaseException) -> tuple[grpc.StatusCode, str]:
    """The status that ends a call which failed with `error`, and the text for the client.

    Faults of the server itself keep their text to the server's log.
    """
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code, str(error)
    if isinstance(error, MienError):
        return grpc.StatusCode.INTERNAL, str(error)
    return grpc.StatusCode.INTERNAL, "the server failed; its log tells why"


def error_of(error: grpc.RpcError, address: str) -> MienError:
    """What a client raises for a call that the server at `address` ended with `error`.

    InputError where the call itself was wrong, ServiceError where the server is the place to look.
    """
    code: grpc.StatusCode = error.code()
    text = f"server {address}: {error.details()} ({code.name})"
    if code is grpc.StatusCode.NOT_FOUND:
        return UnknownCharacterError(text)
    for kind, known in _CODES:
        if known is code and kind is not DrainingError and kind is not CredentialError:
            return kind(text)
    remedy = _REMEDIES.get(code)
    return ServiceError(f"{text}: {remedy}" if remedy else text)
