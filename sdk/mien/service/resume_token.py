"""Resume tokens: the state of a stream's performers as bytes.

    magic    8 bytes   "MIENRES1", the last digit the version of this layout
    package 32 bytes   SHA-256 of the character's package: state fits no other network
    count    4 bytes   performers, each: size of id, size of state (4 bytes each), id, state
    crc      4 bytes   CRC-32 of everything before; finds accidents, not malice

All numbers are little-endian. What a state holds is the session's own affair (Session.snapshot).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping

from mien.errors import InputError

__all__ = ["pack_token", "token_size", "unpack_token"]

_MAGIC = b"MIENRES1"
_HEAD = struct.Struct("<8s32sI")
_SIZES = struct.Struct("<II")
_CRC = struct.Struct("<I")


def pack_token(package_sha256: str, states: Mapping[str, bytes]) -> bytes:
    """Performer -> state, in order, as a token. `package_sha256` is hexadecimal."""
    parts = [_HEAD.pack(_MAGIC, bytes.fromhex(package_sha256), len(states))]
    for name, state in states.items():
        key = name.encode()
        parts += [_SIZES.pack(len(key), len(state)), key, state]
    token = b"".join(parts)
    return token + _CRC.pack(zlib.crc32(token))


def token_size(states: Iterable[tuple[str, int]]) -> int:
    """How many bytes `pack_token` will give for performers with states of these sizes."""
    return (
        _HEAD.size
        + _CRC.size
        + sum(_SIZES.size + len(name.encode()) + size for name, size in states)
    )


def unpack_token(token: bytes, package_sha256: str) -> dict[str, bytes]:
    """The states in a token. Raises InputError for damage and for another package's token."""
    if len(token) < _HEAD.size + _CRC.size or not token.startswith(_MAGIC):
        raise InputError(f"resume_token: {len(token)} bytes that are not a resume token")
    content = token[: -_CRC.size]
    if _CRC.pack(zlib.crc32(content)) != token[-_CRC.size :]:
        raise InputError("resume_token: damaged (its checksum is wrong)")
    _, package, count = _HEAD.unpack_from(content)
    if package != bytes.fromhex(package_sha256):
        raise InputError("resume_token: of another character, or of another export of this one")
    states: dict[str, bytes] = {}
    at = _HEAD.size
    for _ in range(count):
        if at + _SIZES.size > len(content):
            raise InputError("resume_token: damaged (cut short)")
        key_size, state_size = _SIZES.unpack_from(content, at)
        at += _SIZES.size
        key, state = content[at : at + key_size], content[at + key_size :][:state_size]
        at += key_size + state_size
        if at > len(content):
            raise InputError("resume_token: damaged (cut short)")
        try:
            name = key.decode()
        except UnicodeDecodeError:
            raise InputError("resume_token: damaged (an id that is not valid UTF-8)") from None
        states[name] = state
    if at != len(content) or len(states) != count:
        raise InputError("resume_token: damaged (more or less than it announces)")
    return states
