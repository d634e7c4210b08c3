"""Decoding of EXT_meshopt_compression: vertex, triangle and index streams, and their filters.

Written from the extension's ratified bitstream specification (appendices A and B), because its
library reaches Python only as source code to be compiled. Streams of version 0, the ones that the
extension allows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["decode_view"]

_TAIL = 32
"""Least bytes at the end of an attribute stream, where its first element is kept."""


def decode_view(
    data: bytes, count: int, stride: int, mode: str, filter_: str = "NONE", where: str = "meshopt"
) -> bytes:
    """The `count * stride` bytes of a buffer view from its compressed `data`.

    `mode` is ATTRIBUTES, TRIANGLES or INDICES, `filter_` NONE, OCTAHEDRAL, QUATERNION or
    EXPONENTIAL, as the extension names them. Memory is bounded by what `data` can hold. Raises
    InputError, whose message begins with `where`, for streams that break the specification.
    """
    widths = {"ATTRIBUTES": range(4, 257, 4), "TRIANGLES": (2, 4), "INDICES": (2, 4)}.get(mode)
    strides = {"NONE": range(2, 257), "OCTAHEDRAL": (4, 8), "QUATERNION": (8,),
               "EXPONENTIAL": range(4, 257, 4)}.get(filter_)  # fmt: skip
    if widths is None or strides is None or (mode != "ATTRIBUTES" and filter_ != "NONE"):
        raise InputError(f"{where}: mode {mode!r} with filter {filter_!r}, which do not exist")
    if count < 1 or stride not in widths or stride not in strides:
        raise InputError(f"{where}: {count} elements of {stride} bytes, not for {mode}, {filter_}")
    try:
        if mode == "ATTRIBUTES":
            return _filtered(_attributes(data, count, stride), filter_).tobytes()
        decoded = _triangles(data, count) if mode == "TRIANGLES" else _indices(data, count)
    except (IndexError, ValueError, OverflowError) as reason:
        raise InputError(f"{where}: a damaged {mode} stream ({reason})") from None
    largest = max(decoded)
    if min(decoded) < 0 or largest >= 1 << (8 * stride):
        raise InputError(f"{where}: index {largest} does not fit {stride} bytes")
    return np.array(decoded, "<u2" if stride == 2 else "<u4").tobytes()


# Four values of 2 bits, or two of 4 bits, in every byte, the highest bits first.
_TWO_BITS = [bytes((b >> 6, b >> 4 & 3, b >> 2 & 3, b & 3)) for b in range(256)]
_FOUR_BITS = [bytes((b >> 4, b & 15)) for b in range(256)]


def _attributes(data: bytes, count: int, stride: int) -> NDArray[np.uint8]:
    """(count, stride) bytes of an attribute stream."""
    if data[:1] != b"\xa0":
        raise ValueError(f"begins with {data[:1]!r}, expected b'\\xa0'")
    end = len(data) - max(stride, _TAIL)
    if end < 1:
        raise ValueError("is too short")
    last = np.frombuffer(data, np.uint8, stride, len(data) - stride)
    longest = min((8192 // stride) & ~15, 256)
    blocks: list[NDArray[np.uint8]] = []
    at = 1
    for start in range(0, count, longest):
        size = min(count - start, longest)
        groups = -(-size // 16)
        deltas = np.empty((stride, groups * 16), np.uint8)
        for lane in range(stride):
            row, at = _lane(data, at, end, groups)
            deltas[lane] = np.frombuffer(row, np.uint8)
        signed = (deltas >> 1) ^ (0 - (deltas & 1)).astype(np.uint8)
        block = (np.cumsum(signed[:, :size], 1, dtype=np.uint8).T + last).astype(np.uint8)
        last = block[-1]
        blocks.append(block)
    if at != end:
        raise ValueError(f"has {end - at} bytes too many")
    return np.ascontiguousarray(np.concatenate(blocks))


def _lane(data: bytes, at: int, end: int, groups: int) -> tuple[bytes, int]:
    """One byte of every element of a block, as deltas; and where the next lane begins."""
    header = data[at : at + -(-groups // 4)]
    at += len(header)
    parts = []
    for group in range(groups):
        bits = header[group >> 2] >> (2 * (group & 3)) & 3
        if bits == 0:
            parts.append(bytes(16))
            continue
        if bits == 3:
            parts.append(data[at : at + 16])
            at += 16
        else:
            width, table = (4, _TWO_BITS) if bits == 1 else (8, _FOUR_BITS)
            values = b"".join([table[b] for b in data[at : at + width]])
            at += width
            sentinel = 3 if bits == 1 else 15
            if sentinel in values:
                whole = bytearray(values)
                for i, value in enumerate(values):
                    if value == sentinel:
                        whole[i] = data[at]
                        at += 1
                values = bytes(whole)
            parts.append(values)
        if at > end:
            raise ValueError("is cut off")
    return b"".join(parts), at


class _Varints:
    """Reads bytes and LEB128 numbers from a stream, never past `end`."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def byte(self) -> int:
        if self.at >= self.end:
            raise ValueError("is cut off")
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        value = 0
        for shift in range(0, 35, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value & 0xFFFFFFFF
        raise ValueError("holds a number of more than 5 bytes")


def _unzigzag(value: int) -> int:
    return ~(value >> 1) if value & 1 else value >> 1


def _triangles(data: bytes, count: int) -> list[int]:
    """The `count` corners of a triangle stream."""
    if data[:1] != b"\xe1" or count % 3:
        raise ValueError(f"begins with {data[:1]!r} and has {count} corners")
    extra = _Varints(data, 1 + count // 3, len(data) - 16)
    if extra.at > extra.end:
        raise ValueError("is too short")
    table = data[len(data) - 16 :]
    edges, vertices = [(0, 0)] * 16, [0] * 16  # the most recent one first
    out: list[int] = []
    following = last = 0

    def explicit() -> int:
        nonlocal last
        last = (last + _unzigzag(extra.number())) & 0xFFFFFFFF
        return last

    def fresh() -> int:
        nonlocal following
        following += 1
        return following - 1

    for code in data[1 : 1 + count // 3]:
        high, low = code >> 4, code & 15
        if high < 15:
            a, b = edges[high]
            if low == 0:
                c = fresh()
            elif low < 13:
                c = vertices[low]
            elif low < 15:
                c = last = (last + (1 if low == 14 else -1)) & 0xFFFFFFFF
            else:
                c = explicit()
            edges = [(a, c), (c, b), *edges[:14]]
            if low == 0 or low >= 13:
                vertices = [c, *vertices[:15]]
        else:
            pair = table[low] if low < 14 else extra.byte()
            if low >= 14 and pair == 0:
                following = 0
            a = explicit() if low == 15 else fresh()
            b = _corner(pair >> 4, low, fresh, explicit, vertices)
            c = _corner(pair & 15, low, fresh, explicit, vertices)
            edges = [(a, c), (c, b), (b, a), *edges[:13]]
            new = [a]
            new += [b] if pair >> 4 in (0, 15) else []
            new += [c] if pair & 15 in (0, 15) else []
            vertices = [*reversed(new), *vertices][:16]
        out += (a, b, c)
    if extra.at != extra.end:
        raise ValueError(f"has {extra.end - extra.at} bytes too many")
    return out


def _corner(
    nibble: int, low: int, fresh: Callable[[], int], explicit: Callable[[], int],
    vertices: list[int],
) -> int:  # fmt: skip
    if nibble == 0:
        return fresh()
    if nibble == 15 and low >= 14:
        return explicit()
    return vertices[nibble - 1]


def _indices(data: bytes, count: int) -> list[int]:
    """The `count` numbers of an index stream."""
    if data[:1] != b"\xd1":
        raise ValueError(f"begins with {data[:1]!r}, expected b'\\xd1'")
    stream = _Varints(data, 1, len(data) - 4)
    last, out = [0, 0], []
    for _ in range(count):
        value = stream.number()
        which = value & 1
        last[which] = (last[which] + _unzigzag(value >> 1)) & 0xFFFFFFFF
        out.append(last[which])
    return out


def _filtered(table: NDArray[np.uint8], filter_: str) -> NDArray[np.generic]:
    """What the filter makes of (count, stride) decoded bytes."""
    stride = table.shape[1]
    if filter_ == "NONE":
        return table
    if filter_ == "EXPONENTIAL":
        words = table.view("<i4")
        exponent = (words >> 24).clip(-100, 100)
        mantissa = (words << 8) >> 8
        return np.asarray(np.ldexp(mantissa.astype(np.float32), exponent), "<f4")
    kind = "<i1" if stride == 4 else "<i2"
    top = np.float32(127 if stride == 4 else 32767)
    stored = table.view(kind)
    out = stored.copy()
    values = stored.astype(np.float32)
    if filter_ == "OCTAHEDRAL":
        one = np.maximum(values[:, 2], 1)
        x, y = values[:, 0] / one, values[:, 1] / one
        z = 1 - np.abs(x) - np.abs(y)
        fold = np.minimum(z, 0)
        x, y = x - np.copysign(fold, x), y - np.copysign(fold, y)
        unit = np.stack([x, y, z], 1)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        out[:, :3] = np.rint(unit * top)
        return out
    omitted = stored[:, 3].astype(np.int64) & 3
    one = np.maximum((stored[:, 3] | 3).astype(np.float32), 1)
    three = values[:, :3] / one[:, None] / np.float32(np.sqrt(2))
    largest = np.sqrt(np.maximum(1 - (three**2).sum(1), 0))
    rows = np.arange(len(out))
    for k in range(3):
        out[rows, (omitted + 1 + k) % 4] = np.rint(three[:, k] * top)
    out[rows, omitted] = np.rint(largest * top)
    return out
