"""Which frames a training step sees: windows of performances, transitions between independent
frames, independent frames alone.

Performances are few beside the faces that independent frames show. A recurrent network that met
time only in performances would overfit their dynamics; so independent frames of one recording are
also joined: hold a face, move to the next, hold. Features on the way are interpolated like the
weights, which is what a linear map from weights to features would give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy, stack

from mien.errors import InputError
from mien_training.animator.training_set import InputSequence

__all__ = ["Batch", "Transition", "batches", "gather"]

_FRAMES_PER_WINDOW = 3
_HOLD, _TRAVEL = (0, 12), (2, 14)  # frames
_FACES = 5


@dataclass(frozen=True, eq=False)
class Transition:
    """Frame t of a sample is (1 - mix[t]) * frame first[t] + mix[t] * frame second[t]."""

    sequence: int
    """Which recording."""
    first: NDArray[np.int64]
    """(L,)"""
    second: NDArray[np.int64]
    """(L,)"""
    mix: NDArray[np.float32]
    """(L,) in 0..1."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step sees."""

    in_time: list[Transition]
    """Windows and transitions, all of one length."""
    independent: list[Transition]
    """Single frames."""


def batches(
    sequences: Sequence[InputSequence], size: int, length: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Endless: `size` windows of `length` frames, as many transitions, and three independent frames
    for each window.

    Raises InputError where no recording is long enough.
    """
    timed = [i for i, s in enumerate(sequences) if s.in_time and len(s.x) >= length]
    independent = [i for i, s in enumerate(sequences) if not s.in_time and len(s.x)]
    if not timed and not independent:
        raise InputError("batches: no recording is long enough to train on")
    while True:
        in_time = [
            _window(i, int(rng.integers(len(sequences[i].x) - length + 1)), length)
            for i in (rng.choice(timed, size) if timed else ())
        ]
        in_time += [
            _transition(i, rng.integers(len(sequences[i].x), size=_FACES), length, rng)
            for i in (rng.choice(independent, size) if independent else ())
        ]
        faces = [
            _window(i, int(rng.integers(len(sequences[i].x))), 1)
            for i in (rng.choice(independent, _FRAMES_PER_WINDOW * size) if independent else ())
        ]
        yield Batch(in_time, faces)


def gather(transitions: Sequence[Transition], values: Sequence[Tensor]) -> Tensor:
    """(len(transitions), L, ...) from one tensor (T, ...) for each recording."""

    def one(transition: Transition) -> Tensor:
        source = values[transition.sequence]
        mix, first, second = (
            from_numpy(part).to(source.device)
            for part in (transition.mix, transition.first, transition.second)
        )
        return (1 - mix[:, None]) * source[first] + mix[:, None] * source[second]

    return stack([one(transition) for transition in transitions])


def _window(sequence: int, start: int, length: int) -> Transition:
    frames = np.arange(start, start + length)
    return Transition(int(sequence), frames, frames, np.zeros(length, np.float32))


def _transition(
    sequence: int, faces: NDArray[np.int64], length: int, rng: np.random.Generator
) -> Transition:
    """Round the faces with holds and minimum-jerk travels, begun anywhere."""
    begin = int(rng.integers(30))
    first: list[int] = []
    second: list[int] = []
    mix: list[float] = []
    turn = 0
    while len(mix) < begin + length:
        here, there = (int(faces[(turn + k) % len(faces)]) for k in range(2))
        hold, travel = int(rng.integers(*_HOLD)), int(rng.integers(*_TRAVEL))
        t = (np.arange(travel) + 1) / travel
        way = [0.0] * hold + (t**3 * (10 - 15 * t + 6 * t**2)).tolist()
        first += [here] * len(way)
        second += [there] * len(way)
        mix += way
        turn += 1
    a, b, u = (np.array(way[begin : begin + length]) for way in (first, second, mix))
    return Transition(int(sequence), a, b, u.astype(np.float32))
