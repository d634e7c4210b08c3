"""The latest item wins, errors arrive, and closing ends the thread."""

import threading

import pytest

from mien.errors import InputError
from mien.latest import LatestReader

DEADLINE_S = 20


def test_what_came_meanwhile_is_dropped_and_counted():
    go, all_read = threading.Event(), threading.Event()

    def items():
        yield 0
        go.wait(DEADLINE_S)
        yield from range(1, 6)
        all_read.set()
        go.clear()
        go.wait(DEADLINE_S)
        yield 6

    reader = LatestReader(items())
    assert next(reader)[0] == 0
    go.set()
    assert all_read.wait(DEADLINE_S)
    item, _, dropped = next(reader)
    assert (item, dropped) == (5, 4)
    go.set()
    assert [item for item, *_ in reader] == [6] and reader.dropped == 4


def test_times_of_arrival_increase():
    reader = LatestReader(iter(range(3)))
    times = [at_s for _, at_s, _ in reader]
    assert times == sorted(times)


def test_an_error_of_the_source_is_raised_after_its_last_item():
    def items():
        yield 1
        raise InputError("camera unplugged")

    reader = LatestReader(items())
    with pytest.raises(InputError, match="unplugged"):
        for _ in reader:
            pass


def test_closing_ends_the_thread_and_closes_the_source():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    reader = LatestReader(items())
    next(reader)
    reader.close()
    assert closed.is_set()  # the source's end is the thread's
