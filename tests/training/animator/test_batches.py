"""Batches: windows stay inside, transitions start and end on faces and stay between them."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.animator.batches import batches, gather
from mien_training.animator.training_set import InputSequence


def sequences(*lengths: tuple[int, bool]) -> list[InputSequence]:
    """Frame t of recording i holds 100 i + t, in features and weights."""
    return [
        InputSequence(
            *(np.full((n, 2), 100 * i, np.float32) + np.arange(n, dtype=np.float32)[:, None],) * 2,
            in_time,
        )
        for i, (n, in_time) in enumerate(lengths)
    ]


def test_windows_stay_inside_their_recordings():
    data = sequences((30, True), (8, True), (12, False))
    x = [torch.from_numpy(s.x) for s in data]
    source = batches(data, 16, 10, np.random.default_rng(0))
    for _ in range(5):
        batch = next(source)
        assert len(batch.in_time) == 32 and len(batch.independent) == 48
        windows, transitions = batch.in_time[:16], batch.in_time[16:]
        assert {w.sequence for w in windows} == {0}  # the second is too short
        assert {w.sequence for w in transitions} == {w.sequence for w in batch.independent} == {2}
        values = gather(windows, x)
        assert values.shape == (16, 10, 2)
        assert (values.diff(dim=1) == 1).all()  # neighbours in time
        independent = gather(batch.independent, x)
        assert (
            independent.shape == (48, 1, 2)
            and (independent >= 200).all()
            and (independent < 212).all()
        )


def test_walks_hold_faces_travel_smoothly_and_end_nowhere_else():
    data = sequences((12, False))
    x = [torch.eye(12)]  # a mixture shows what it is made of
    source = batches(data, 40, 60, np.random.default_rng(1))
    values = gather(next(source).in_time, x)
    assert torch.allclose(values.sum(-1), torch.ones(()))
    assert values.min() >= 0 and ((values > 0).sum(-1) <= 2).all()
    whole = (values > 0.999).any(-1)
    assert 0.1 < whole.float().mean() < 0.9  # some held, some on the way
    # The next face is reached before the transition leaves for another: jumps are shorter than one.
    assert values.diff(dim=1).abs().max() < 1.0


def test_a_seed_is_a_batch():
    data = sequences((30, True), (9, False))
    a, b = (next(batches(data, 4, 8, np.random.default_rng(5))) for _ in range(2))
    for first, second in zip(a.in_time + a.independent, b.in_time + b.independent, strict=True):
        assert first.sequence == second.sequence
        assert np.array_equal(first.mix, second.mix)
        assert np.array_equal(first.first, second.first)


def test_nothing_long_enough_is_refused():
    with pytest.raises(InputError, match="long enough"):
        next(batches(sequences((12, True)), 4, 13, np.random.default_rng(0)))
