"""A hundred or more seeded mutants of each kind; tests/benchmarks/hostile_mutations.py runs 10^5.

Whatever the damage: accepted, or refused with a MienError, within 64 MB above the input's size.
"""

from __future__ import annotations

import tracemalloc

import pytest
from support.mutations import KINDS, mutant, read_mutant

MUTANTS = {"glb": 100, "package": 60, "token": 200, "detail": 60}
LIMIT = 64 << 20


@pytest.mark.filterwarnings("ignore::UserWarning")  # zipfile's, when a mutant has a name twice
@pytest.mark.parametrize("kind", KINDS)
def test_typed_errors_only_and_bounded_memory(kind: str) -> None:
    accepted = 0
    for seed in range(MUTANTS[kind]):
        data = mutant(kind, seed)
        tracemalloc.start()
        try:
            accepted += read_mutant(kind, data)
            peak = tracemalloc.get_traced_memory()[1]
        except Exception as error:
            raise AssertionError(f"mutant {kind} {seed}: {error!r}") from error
        finally:
            tracemalloc.stop()
        assert peak < LIMIT + len(data), f"mutant {kind} {seed}: {peak} bytes"
    # Mutants that are all refused, or none, would test little.
    assert 0 < accepted < MUTANTS[kind] / 2


def test_a_mutant_follows_from_its_seed() -> None:
    for kind in KINDS:
        assert mutant(kind, 7) == mutant(kind, 7) != mutant(kind, 8)
