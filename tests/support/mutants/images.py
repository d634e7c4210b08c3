"""PNG images with a damaged chunk, its checksum made right again."""

from __future__ import annotations

import io
import random
import struct
import zlib

from PIL import Image

__all__ = ["damaged_image", "damaged_png", "png"]


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (90, 60, 50)).save(buffer, "PNG")
    return buffer.getvalue()


def damaged_png(rng: random.Random) -> bytes:
    side = rng.choice((1, 8, 300, 1500))
    return damaged_image(rng, png(side, rng.choice((1, 8, 300))))


def damaged_image(rng: random.Random, raw: bytes) -> bytes:
    """The PNG `raw`, damaged; one in six comes as it is."""
    chunks: list[tuple[bytes, bytes]] = []
    at = 8
    while at < len(raw):
        (size,) = struct.unpack_from(">I", raw, at)
        chunks.append((raw[at + 4 : at + 8], raw[at + 8 : at + 8 + size]))
        at += 12 + size
    action = rng.randrange(6)
    if action == 0:
        width, height = (rng.choice((0, 1, 2000, 9000, 30000, 2**31 - 1)) for _ in range(2))
        tail = bytes(rng.choice(((8, 2, 0, 0, 0), (16, 6, 0, 0, 1), (1, 3, 0, 0, 0), (9,) * 5)))
        chunks[0] = (b"IHDR", struct.pack(">II", width, height) + tail)
    elif action == 1:
        kind, body = chunks[1]
        chunks[1] = (kind, body[: rng.randrange(len(body))])
    elif action == 2:
        bomb = b"k\0\0" + zlib.compress(bytes(1 << 20))
        chunks[1:1] = [(rng.choice((b"zTXt", b"iCCP")), bomb)] * 60
    elif action == 3:
        chunks.pop(rng.randrange(len(chunks)))
    elif action == 4:
        chunks.insert(rng.randrange(len(chunks)), (rng.choice((b"tRNS", b"PLTE", b"acTL", b"fdAT")),
                                                   rng.randbytes(rng.randrange(20))))  # fmt: skip
    data = raw[:8]
    for kind, body in chunks:
        crc = zlib.crc32(kind + body) ^ (rng.random() < 0.05)
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)
    return data
