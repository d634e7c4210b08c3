"""Latest wins, in order, bounded, and every drop is counted."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.budget import Budget
from mien.service.mailbox import Mailbox
from mien.service.statuses import LimitError


@given(st.integers(1, 4), st.integers(0, 12))
def test_the_newest_stay_in_order(size, count):
    async def check():
        mailbox = Mailbox(size)
        for message in range(count):
            mailbox.put(message)
        mailbox.close()
        taken = []
        while (message := await mailbox.take()) is not None:
            taken.append(message)
        assert taken == list(range(count))[-size:]
        assert mailbox.dropped == count - len(taken)

    asyncio.run(check())


def test_take_waits_and_an_error_comes_after_the_messages():
    async def check():
        mailbox = Mailbox(2)
        waiting = asyncio.create_task(mailbox.take())
        await asyncio.sleep(0)
        mailbox.put("a")
        mailbox.fail(ValueError("end"))
        assert await waiting == "a"
        with pytest.raises(ValueError, match="end"):
            await mailbox.take()

    asyncio.run(check())


def test_what_waits_is_charged_until_it_is_dealt_with():
    async def check():
        own, shared = (Budget(limit, "bytes", "test", LimitError) for limit in (10, 12))
        shared.spend(2, "another session")
        mailbox = Mailbox(3, (own, shared))
        mailbox.put("a", 4)
        mailbox.put("b", 4)
        assert await mailbox.take() == "a" and own.spent == 8  # "a" is being dealt with
        mailbox.put("c", 6)  # pushes "b" out
        assert (own.spent, shared.spent, mailbox.dropped) == (10, 12, 1)
        with pytest.raises(LimitError, match="a message of 7 bytes"):
            mailbox.put("d", 7)
        assert (own.spent, shared.spent, mailbox.dropped) == (4, 6, 2)
        mailbox.clear()
        assert (own.spent, shared.spent) == (0, 2)

    asyncio.run(check())


def test_messages_that_must_not_be_dropped_stay():
    async def check():
        mailbox = Mailbox(2)
        mailbox.put("keep", may_drop=False)
        for message in "abc":
            mailbox.put(message)
        assert mailbox.dropped == 2
        mailbox.put("keep too", may_drop=False)
        with pytest.raises(LimitError, match="must not be dropped"):
            mailbox.put("d")
        assert [await mailbox.take(), await mailbox.take()] == ["keep", "keep too"]

    asyncio.run(check())
