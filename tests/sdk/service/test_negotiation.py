"""Tokens come as often as asked, but never so often that they fill the event loop."""

import pytest

from mien.service.negotiation import MIN_TOKEN_INTERVAL_S, TOKEN_BYTES_PER_S, TokenClock

RATE_HZ, SECONDS = 240, 10


def made(interval_s: float, size: int, final: bool = False) -> int:
    """How many tokens of `size` bytes ten seconds of answers carry."""
    now_s = 0.0
    clock = TokenClock(interval_s, lambda: now_s)
    count = 0
    for answer in range(1, RATE_HZ * SECONDS + 1):
        now_s = answer / RATE_HZ
        count += bool(clock.token(lambda: bytes(size), final))
    return count


@pytest.mark.parametrize(("interval_s", "count"), [(0.0, 0), (2.0, 5), (1.0, 10)])
def test_as_often_as_asked(interval_s, count):
    assert made(interval_s, 300) == pytest.approx(count, abs=1)


@pytest.mark.parametrize("interval_s", [1e-6, 1e-3])
def test_a_tiny_interval_is_raised(interval_s):
    assert 0.8 * SECONDS / MIN_TOKEN_INTERVAL_S <= made(interval_s, 300)
    assert made(interval_s, 300) <= SECONDS / MIN_TOKEN_INTERVAL_S


def test_large_tokens_come_less_often():
    size = 4_000_000
    assert made(1e-6, size) * size <= SECONDS * TOKEN_BYTES_PER_S + size


def test_the_last_answers_carry_one_each():
    assert made(0.0, 300, final=True) == RATE_HZ * SECONDS
