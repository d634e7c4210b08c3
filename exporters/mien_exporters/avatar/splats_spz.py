"""Splats <-> SPZ, Niantic's packed format, 19 or 20 bytes a Gaussian before gzip.

Versions 2 and 3: a header of 16 bytes, then all positions (24 bit fixed point), opacities, colours
(0.15 times the coefficient of degree 0, around 0.5), scales (16 steps per e-fold from e^-10 m on),
rotations; spherical harmonics of higher degrees are not written. Axes are right, up, back, which
are mien's. Lossy: see `splats_to_spz`.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.avatar.splats import Splats
from mien.budget import decoding_budget
from mien.errors import InputError
from mien.rotation import unit_quaternion
from mien_exporters.avatar.splat_units import colour_from_sh, sh_from_colour, unit_rotations

__all__ = ["splats_from_spz", "splats_to_spz"]

_HEADER = struct.Struct("<IIIBBBB")
_MAGIC = 0x5053474E
_FINEST = 20
"""Most fractional bits of a position: micrometres, 8 m about the origin."""
_COLOUR = 0.15
_SCALE_STEPS, _SCALE_START = 16.0, 10.0
_MOST = 511
"""A component of a quaternion in 9 bits and a sign; 1/sqrt(2) is the most that one can be."""
_BYTES = {2: 19, 3: 20}

Uint8Array = NDArray[np.uint8]


def splats_to_spz(splats: Splats, version: Literal[2, 3] = 3) -> bytes:
    """The bytes of an .spz file. The same input gives the same bytes.

    What is lost: positions to a micrometre (for clouds within 8 m of the origin), opacities and
    colours to 8 bits, scales to 3 % and nothing below 45 micrometres, rotations to 0.2 degrees; in
    version 2, whose readers are older, to 1 degree, and to 10 degrees where w is near 0.

    Raises InputError for another version, and for means beyond 8 km.
    """
    if version not in _BYTES:
        raise InputError(f"splats_to_spz: version {version}, expected 2 or 3")
    furthest = float(np.abs(splats.means).max(initial=0.0))
    bits = min(_FINEST, 22 - int(np.ceil(np.log2(max(furthest, 1.0)))))
    if bits < 9:
        raise InputError(f"splats_to_spz: a mean {furthest:.0f} m away, expected within 8 km")
    fixed = np.rint(splats.means.astype(np.float64) * 2.0**bits).astype("<i4")
    log_scale = np.log(np.maximum(splats.scales.astype(np.float64), 1e-9))
    q = unit_rotations(splats)
    parts: list[NDArray[Any]] = [
        fixed.reshape(-1, 1).view(np.uint8)[:, :3],
        _byte(splats.opacities * 255.0),
        _byte((sh_from_colour(splats.colours) * _COLOUR + 0.5) * 255.0),
        _byte((log_scale + _SCALE_START) * _SCALE_STEPS),
        _byte(127.5 * q[:, :3] + 127.5) if version == 2 else _packed_quaternions(q),
    ]
    header = _HEADER.pack(_MAGIC, version, len(splats), 0, bits, 0, 0)
    return gzip.compress(header + b"".join(p.tobytes() for p in parts), mtime=0)


def splats_from_spz(data: bytes, where: str = "SPZ") -> Splats:
    """The splats of an .spz file of version 2 or 3 without higher spherical harmonics.

    `where` names the file in messages. Raises InputError for anything else, before memory is spent
    on what the file only claims.
    """
    stream = zlib.decompressobj(wbits=31)
    start = _inflated(stream, data, _HEADER.size, where)
    if len(start) < _HEADER.size:
        raise InputError(f"{where}: not an SPZ file (too short)")
    magic, version, count, degree, bits, flags, _ = _HEADER.unpack(start)
    if magic != _MAGIC or version not in _BYTES:
        raise InputError(f"{where}: not an SPZ file of version 2 or 3")
    if degree or flags or bits > 23:
        raise InputError(
            f"{where}: degree {degree}, flags {flags}, {bits} fractional bits; "
            "expected 0, 0 and at most 23"
        )
    size = _BYTES[version] * count
    decoding_budget(len(data), where).spend(8 * size, f"{count} Gaussians")
    body = _inflated(stream, stream.unconsumed_tail, size, where)
    rest = _inflated(stream, stream.unconsumed_tail, 1, where) if not stream.eof else b""
    if len(body) != size or rest or not stream.eof:
        raise InputError(f"{where}: holds other than {count} Gaussians of {_BYTES[version]} bytes")
    octets = np.frombuffer(body, np.uint8)
    positions, alphas, colours, scales, rotations = np.split(
        octets, np.cumsum([9 * count, count, 3 * count, 3 * count])
    )
    wide = np.zeros((3 * count, 4), np.uint8)
    wide[:, 1:] = positions.reshape(-1, 3)  # in the upper bytes, so that the sign is extended
    fixed = wide.view("<i4").reshape(count, 3) >> 8
    coefficients = (colours.reshape(count, 3) / 255.0 - 0.5) / _COLOUR
    return Splats(
        means=fixed * 2.0**-bits,
        rotations=_unpacked_quaternions(rotations.reshape(count, _BYTES[version] - 16)).astype(
            np.float32
        ),
        scales=np.exp(scales.reshape(count, 3) / _SCALE_STEPS - _SCALE_START),
        opacities=(alphas / 255.0).astype(np.float32),
        colours=colour_from_sh(coefficients),
    )


def _inflated(stream: Any, data: bytes, most: int, where: str) -> bytes:
    if most == 0:
        return b""
    try:
        return bytes(stream.decompress(data, most))
    except zlib.error as error:
        raise InputError(f"{where}: not an SPZ file ({error})") from None


def _byte(values: NDArray[Any]) -> Uint8Array:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _packed_quaternions(q: NDArray[np.float64]) -> NDArray[np.uint32]:
    """(N,): place of the largest component in 2 bits, the others in order, sign and 9 bits each."""
    rows = np.arange(len(q))
    largest = np.abs(q).argmax(1)
    q = q * np.where(q[rows, largest] < 0, -1.0, 1.0)[:, None]
    packed = largest.astype("<u4")
    for place in range(4):
        part = q[:, place]
        size = np.minimum(np.rint(np.abs(part) * np.sqrt(2.0) * _MOST), _MOST).astype("<u4")
        code = np.where(part < 0, np.uint32(512), np.uint32(0)) | size
        packed = np.where(largest == place, packed, (packed << np.uint32(10)) | code)
    return np.asarray(packed, "<u4")


def _unpacked_quaternions(octets: Uint8Array) -> NDArray[np.float32]:
    """(N, 4) xyzw of 3 (version 2) or 4 bytes (version 3) each."""
    count = len(octets)
    q = np.zeros((count, 4))
    if octets.shape[1] == 3:
        q[:, :3] = octets / 127.5 - 1.0
        q[:, 3] = np.sqrt(np.maximum(0.0, 1.0 - (q[:, :3] ** 2).sum(1)))
        return unit_quaternion(q).astype(np.float32)
    packed = np.ascontiguousarray(octets).view("<u4").reshape(count).copy()
    largest = packed >> np.uint32(30)
    for place in (3, 2, 1, 0):
        code = packed & np.uint32(1023)
        size = (code & np.uint32(511)) / (_MOST * np.sqrt(2.0))
        mine = largest != place
        q[:, place] = np.where(mine, np.where(code > 511, -size, size), 0.0)
        packed = np.where(mine, packed >> np.uint32(10), packed)
    q[np.arange(count), largest] = np.sqrt(np.maximum(0.0, 1.0 - (q**2).sum(1)))
    return unit_quaternion(q).astype(np.float32)
