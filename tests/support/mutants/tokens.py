"""Resume tokens damaged in either of two layers, each with a checksum that is made right again."""

from __future__ import annotations

import random
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np

from mien.service.resume_token import pack_token
from mien.session import Session, SessionOptions
from mien.tracker.features import FeatureLayout
from support.small_animator import SmallAnimator

__all__ = ["LAYOUT", "SHA256", "mutant_token", "new_session"]

SHA256 = "ab" * 32
LAYOUT, CHANNELS = FeatureLayout(("scores",)), ("jawOpen", "mouthClose")


def new_session() -> Session:
    animator: Any = SmallAnimator(LAYOUT.size + 1, len(CHANNELS), 5)
    return Session(animator, LAYOUT, CHANNELS, SessionOptions(calibration_frames=3))


@cache
def sound_states() -> tuple[bytes, ...]:
    session, rng, states = new_session(), np.random.default_rng(0), []
    for i in range(6):
        states.append(session.snapshot())
        session.step(rng.random(LAYOUT.size, np.float32), i / 30)
    return tuple(states)


def mutant_token(rng: random.Random) -> bytes:
    names = rng.sample(["a", "b", "", "é", "x" * 300], rng.randint(1, 3))
    states = {name: rng.choice(sound_states()) for name in names}
    if rng.random() < 0.8:
        name = rng.choice(names)
        states[name] = _state(rng, states[name])
    token = bytearray(pack_token(SHA256, states))
    if rng.random() < 0.4:
        for _ in range(rng.randint(1, 4)):
            at = rng.choice((rng.randrange(len(token)), rng.randrange(min(60, len(token)))))
            token[at] = rng.choice((0, 1, 0x7F, 0xFF, token[at] ^ 1 << rng.randrange(8)))
        if rng.random() < 0.2:
            del token[rng.randrange(len(token)) :]
        if rng.random() < 0.9 and len(token) > 4:
            token[-4:] = struct.pack("<I", zlib.crc32(token[:-4]))
    return bytes(token)


_STATE_HEAD, _STATE_CRC = 28, 24


def _state(rng: random.Random, state: bytes) -> bytes:
    head, body = bytearray(state[:_STATE_HEAD]), bytearray(state[_STATE_HEAD:])
    for _ in range(rng.randint(1, 3)):
        at = rng.choice((rng.randrange(0, 24, 8), 24 + 4 * rng.randrange(4),
                         4 * rng.randrange(len(body) // 4 + 1)))  # fmt: skip
        action = rng.randrange(5)
        if action == 0 and at + 8 <= len(body):
            values = (float("nan"), float("inf"), -1.0, 1e300, 5.0, 1e12)
            struct.pack_into("<d", body, at, rng.choice(values))
        elif action == 1 and at + 4 <= len(body):
            struct.pack_into("<f", body, at, rng.choice((float("nan"), 3e38, -1e6, 0.0, 1e-42)))
        elif action == 2 and at + 4 <= len(body):
            struct.pack_into("<I", body, at, rng.choice((0, 1, 2, 3, 100, 10**5, 2**31, 2**32 - 1)))
        elif action == 3 and body:
            body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        elif rng.random() < 0.5:
            body += bytes(4 * rng.choice((1, 2, 52, 1000)))
        else:
            del body[-4 * rng.randint(1, 60) :]
    if rng.random() < 0.05:
        head[rng.randrange(len(head))] ^= 1
    head[_STATE_CRC:] = struct.pack("<I", zlib.crc32(body))
    return bytes(head + body)
