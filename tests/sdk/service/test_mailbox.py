"""Latest wins, in order, bounded, and every drop is counted."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.service.mailbox import Mailbox


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
