"""Protobuf messages with one field damaged, whatever their schema."""

from __future__ import annotations

import random

__all__ = ["damaged_protobuf"]


def damaged_protobuf(rng: random.Random, data: bytes, depth: int = 0) -> bytes:
    """One field somewhere in the tree of messages removed, repeated, or given another value."""
    fields: list[tuple[int, int, bytes]] = []
    at = 0
    try:
        while at < len(data):
            key, at = _varint(data, at)
            start = at
            if key & 7 == 0:
                _, at = _varint(data, at)
            elif key & 7 == 2:
                size, start = _varint(data, at)
                at = start + size
            else:
                at += {1: 8, 5: 4}[key & 7]
            if at > len(data):
                raise IndexError
            fields.append((key >> 3, key & 7, data[start:at]))
    except (IndexError, KeyError):  # not a message, so it is a string or numbers
        fields = []
    if not fields:
        return _bytes(rng, data)
    index = rng.randrange(len(fields))
    number, wire, value = fields[index]
    action = rng.random()
    if wire == 2 and depth < 8 and action < 0.7:
        fields[index] = number, wire, damaged_protobuf(rng, value, depth + 1)
    elif action < 0.8:
        fields.pop(index)
    elif action < 0.87:
        fields += [fields[index]] * rng.choice((1, 3, 100))
    elif action < 0.94:
        new = rng.choice((0, 1, 2, 16, 300, 2**31, 2**40, 2**63, 2**64 - 1))
        fields.insert(index, (rng.choice((number, 1, 2, 13, 14, 15)), 0, _as_varint(new)))
    else:
        fields[index] = rng.choice((1, 5, 7, 13, 14, 20, 25)), wire, value
    return b"".join(
        _as_varint(number << 3 | wire) + (_as_varint(len(value)) if wire == 2 else b"") + value
        for number, wire, value in fields
    )


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _as_varint(value: int) -> bytes:
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*result, value])


def _bytes(rng: random.Random, data: bytes) -> bytes:
    raw = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        action = rng.randrange(3)
        if action == 0 and raw:
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        elif action == 1:
            del raw[rng.randrange(len(raw) + 1) :]
        else:
            raw += rng.randbytes(rng.randrange(1, 9))
    return bytes(raw)
