"""Recordings as network input: neutral subtracted, dt appended, split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien.tracker.features import FeatureLayout, subtract_neutral
from mien_training.animator.dataset import ALL_GROUPS, DriverSequence

__all__ = [
    "InputSequence",
    "columns_of",
    "dt_column",
    "network_input",
    "split_recordings",
]

Float32Array = NDArray[np.float32]
NOMINAL_HZ = 30.0


@dataclass(frozen=True, eq=False)
class InputSequence:
    """One recording as the network sees it."""

    x: Float32Array
    """(T, F + 1) neutral-subtracted features, dt last."""
    weights: Float32Array
    """(T, C) the truth."""
    in_time: bool
    """Whether frames follow each other; if not, each is a sequence of its own."""


def columns_of(groups: Sequence[str]) -> NDArray[np.int64]:
    """Columns of ALL_GROUPS that make up `groups`, in their order."""
    everything = FeatureLayout(ALL_GROUPS).slices
    return np.concatenate(
        [
            np.arange(everything[g].start, everything[g].stop)
            for g in FeatureLayout(tuple(groups)).groups
        ]
    )


def dt_column(times_s: NDArray[np.float64], in_time: bool) -> Float32Array:
    """(T,) dt * 30 - 1 as the session computes it; 0 for first and for independent frames."""
    dt = np.full(len(times_s), 1 / NOMINAL_HZ)
    if in_time:
        dt[1:] = np.diff(times_s)
    return (dt * NOMINAL_HZ - 1).clip(-1, 4).astype(np.float32)


def network_input(
    recording: DriverSequence, groups: Sequence[str], channels: Sequence[str] = ARKIT_CHANNELS
) -> InputSequence:
    """What a session would feed for this recording, and the truth for `channels`."""
    full = FeatureLayout(ALL_GROUPS)
    x = subtract_neutral(recording.features, recording.neutral, full)[:, columns_of(groups)]
    dt = dt_column(recording.times_s, recording.sequence)
    columns = [ARKIT_CHANNELS.index(name) for name in channels]
    return InputSequence(
        np.concatenate([x, dt[:, None]], 1), recording.weights[:, columns], recording.sequence
    )


def split_recordings(
    count: int, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices for training and for validation; whole recordings, never frames of one."""
    if not 0 < share < 1 or count < 4:
        raise InputError(f"split_recordings: {count} recordings, share {share}: too few to split")
    order = np.random.default_rng((seed, 9)).permutation(count)
    held = max(round(count * share), 1)
    return np.sort(order[held:]), np.sort(order[:held])
