"""JSON with a few places damaged."""

from __future__ import annotations

import json
import random
from typing import Any

__all__ = ["damaged_json"]

NUMBERS = (
    -1, 0, 1, 2, 3, 4, 5, 7, 255, 256, 5120, 5121, 5123, 5125, 5126, 65535, 65536, 10**6, 10**7,
    2**31 - 1, 2**31, 2**32, 2**53, 2**63, -(2**63), 10**40, 10**400, 0.5, -0.0, 1e308, 5e-324,
)  # fmt: skip
VALUES = (*NUMBERS, None, True, False, "", "x", "é\0", "x" * 2000, [], {}, [0] * 50, [[]], "2.0")
TOKENS = ("NaN", "-Infinity", "1e999", "01", "1" + "0" * 5000, "tru", "'a'", '"\\ud800"')


def damaged_json(rng: random.Random, document: Any, count: int = 3) -> str:
    """`document` with up to `count` places damaged, as text."""
    document = json.loads(json.dumps(document))
    for _ in range(rng.randint(1, count)):
        _damage_json(rng, document)
    text = json.dumps(document)
    if rng.random() < 0.1:  # what json.dumps cannot write
        at = rng.randrange(len(text))
        parts = text[at:].split(":", 1)
        if len(parts) == 2:
            text = text[:at] + parts[0] + ":" + rng.choice(TOKENS) + "," + parts[1]
    return text


def _damage_json(rng: random.Random, document: Any) -> None:
    place: Any = document
    while True:
        if not place:
            return
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        inner = place[key]
        if not isinstance(inner, (dict, list)) or rng.random() < 0.15:
            break
        place = inner
    action = rng.randrange(8)
    if action < 4:
        number = isinstance(inner, (int, float)) and rng.random() < 0.7
        place[key] = rng.choice(NUMBERS if number else VALUES)
    elif action == 4 and isinstance(inner, int):
        place[key] = inner + rng.choice((-4, -1, 1, 4, 100))
    elif action == 5:
        place.pop(key)
    elif isinstance(place, dict):
        place[rng.choice(("sparse", "byteStride", "uri", "count", "x", *place))] = inner
    else:
        times = rng.choice((1, 2, 250, 3000))
        # The mutant stays small: what it takes to make it would count as the reader's memory.
        place.extend([inner] * min(times, 200_000 // len(json.dumps(inner)) + 1))
