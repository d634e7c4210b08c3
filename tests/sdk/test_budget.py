"""One limit for all items together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mien.budget import Budget
from mien.errors import InputError, PackageError


def test_the_sum_counts_not_the_item() -> None:
    budget = Budget(10, "bytes", "a.glb")
    budget.spend(6, "accessors[0]")
    budget.spend(4, "accessors[1]")
    message = r"a\.glb: accessors\[2\]: needs 1 bytes, 11 in all, expected at most 10"
    with pytest.raises(InputError, match=message):
        budget.spend(1, "accessors[2]")
    budget.spend(0, "nothing")


def test_a_refused_item_costs_nothing_and_released_ones_can_be_spent_again() -> None:
    budget = Budget(10, "sessions", "server", PackageError)
    with pytest.raises(PackageError):
        budget.spend(11, "all at once")
    assert budget.spent == 0
    budget.spend(10, "ten")
    budget.release(3)
    budget.spend(3, "three")
    assert budget.spent == 10


@pytest.mark.parametrize("amount", [-1, 3])
def test_giving_back_what_was_not_spent_is_a_mistake(amount: int) -> None:
    budget = Budget(10, "bytes", "x")
    budget.spend(2, "two")
    with pytest.raises(ValueError, match="given back of 2 spent"):
        budget.release(amount)
    with pytest.raises(ValueError, match="expected 0 or more"):
        budget.spend(-1, "a negative size")


def test_threads_together_stay_below_the_limit() -> None:
    budget = Budget(1000, "frames", "s")

    def take(i: int) -> bool:
        try:
            budget.spend(1, str(i))
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        reserved = sum(pool.map(take, range(3000)))
    assert reserved == budget.spent == 1000
