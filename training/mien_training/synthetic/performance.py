"""Seeded performances: what faces do, as ARKit channels over time, without any recording.

Built as an animator would block a range-of-motion take: acts (one channel or pair exercised,
whole expressions, stretches of speech, rest), each with minimum-jerk onset, hold and offset;
over them blinks, gaze with lids that follow, small tremor, a resting face that is never quite
zero, and the channels that come along whether one wants it or not (`LEAKS`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS, HEAD_CHANNELS, mirror_name
from mien.clip import Clip
from mien.errors import InputError
from mien_training.synthetic.repertoire import (
    EXPRESSIONS,
    LEAKS,
    OFTEN,
    OPPOSED,
    RESTING,
    VISEMES,
)

__all__ = ["generate_performance", "random_posed_weights", "random_sparse_weights"]

Float32Array = NDArray[np.float32]
INDEX = {name: i for i, name in enumerate(ARKIT_CHANNELS)}
_MIRROR = np.array([INDEX[mirror_name(name)] for name in ARKIT_CHANNELS])


def generate_performance(seed: int, seconds: float, rate_hz: float = 30.0) -> Clip:
    """One performer's take: the 52 channels in [0, 1] and head angles (radians).

    Raises InputError for a length or rate that is not positive.
    """
    if seconds <= 0 or rate_hz <= 0:
        raise InputError(f"generate_performance: {seconds} s at {rate_hz} Hz, expected both > 0")
    rng = np.random.default_rng((seed, 0))
    count = max(round(seconds * rate_hz), 2)
    times = np.arange(count) / rate_hz
    face = np.zeros((count, len(ARKIT_CHANNELS)))
    if rng.random() < 0.5:
        _exploration(face, times, rng)
    else:
        for _ in range(3):  # several things at a time: faces rarely do one
            _acts(face, times, rng)
    _gaze(face, times, rng)
    _blinks(face, times, rng)
    rest = _rest(rng)
    face = face + rest * (1 - face)
    face += _smooth_noise(rng, times, 2.5, face.shape[1]) * rng.uniform(0.003, 0.02) * (face > 0.01)
    face = np.clip(face * rng.uniform(0.85, 1.1), 0, 1)
    for a, b in OPPOSED:
        i, j = INDEX[a], INDEX[b]
        net = face[:, i] - face[:, j]
        face[:, i], face[:, j] = net.clip(0), (-net).clip(0)
    head = np.zeros((count, len(HEAD_CHANNELS)))
    reach = np.array([0.30, 0.17, 0.10]) * rng.uniform(0.3, 1.0)
    head[:, :3] = _smooth_noise(rng, times, 0.35, 3) * reach
    values = np.concatenate([face, head], 1).astype(np.float32)
    return Clip((*ARKIT_CHANNELS, *HEAD_CHANNELS), times.astype(np.float64), values)


def random_sparse_weights(seed: int, count: int) -> Float32Array:
    """(count, 52) independent faces: 2 to 14 channels, any with any, in [0.15, 1].

    Channels that pull against each other are not drawn together.
    """
    rng = np.random.default_rng((seed, 1))
    weights = np.zeros((count, len(ARKIT_CHANNELS)), np.float32)
    often = np.array([OFTEN.get(name, 1.0) for name in ARKIT_CHANNELS])
    for row in weights:
        chosen = rng.choice(len(row), rng.integers(2, 15), replace=False, p=often / often.sum())
        row[chosen] = rng.uniform(0.15, 1.0, len(chosen))
        if rng.random() < 0.3:  # faces are mostly symmetric
            row[:] = np.maximum(row, row[_MIRROR] * rng.uniform(0.8, 1.0))
        for a, b in OPPOSED:
            i, j = INDEX[a], INDEX[b]
            row[j if row[i] >= row[j] else i] = 0.0
    return weights


def random_posed_weights(seed: int, count: int) -> Float32Array:
    """(count, 52) independent faces: single moments of as many performers.

    Neighbours in time teach little that is new; these are all different, yet alike to what
    performers do.
    """
    rng = np.random.default_rng((seed, 2))
    moments = []
    for _ in range(count):
        take = generate_performance(int(rng.integers(2**31)), 2.0, 15.0)
        moments.append(take.values[rng.integers(len(take.values)), : len(ARKIT_CHANNELS)])
    return np.stack(moments)


def _exploration(
    face: NDArray[np.float64], times: NDArray[np.float64], rng: np.random.Generator
) -> None:
    """From one random face to the next: every combination, in time, with no habit to learn."""
    keys = random_sparse_weights(int(rng.integers(2**31)), 4 * int(times[-1] + 2))
    now, at = 0.0, np.zeros(face.shape[1])
    for key in keys:
        travel = rng.uniform(0.1, 0.6)
        # Channels start and arrive at times of their own.
        starts = now + rng.uniform(0, 0.15, len(key))
        step = _minimum_jerk((times[:, None] - starts) / (travel * rng.uniform(0.7, 1.3, len(key))))
        face += (key - at) * step
        at = key.astype(np.float64)
        now += travel + rng.choice([0.0, rng.uniform(0, 0.6)])
        if now > times[-1]:
            break
    np.clip(face, 0, 1, out=face)


def _minimum_jerk(t: NDArray[np.float64]) -> NDArray[np.float64]:
    t = np.clip(t, 0, 1)
    return t**3 * (10 - 15 * t + 6 * t**2)


def _envelope(
    times: NDArray[np.float64], start: float, onset: float, hold: float, offset: float
) -> NDArray[np.float64]:
    """0 -> 1 -> 0 with minimum-jerk flanks, seconds."""
    rise = _minimum_jerk((times - start) / onset)
    fall = _minimum_jerk((times - start - onset - hold) / offset)
    return np.asarray(rise * (1 - fall))


def _acts(face: NDArray[np.float64], times: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Fill the timeline, one act after the other, sometimes overlapping."""
    order = rng.permutation(len(ARKIT_CHANNELS)).tolist()
    names = list(EXPRESSIONS)
    now = rng.uniform(-0.5, 0.5)
    while now < times[-1]:
        kind = rng.choice(["exercise", "expression", "speech", "rest"], p=[0.40, 0.38, 0.17, 0.05])
        if kind == "speech":
            length = rng.uniform(1.0, 3.5)
            _speech(face, times, now, length, rng)
        elif kind == "rest":
            length = rng.uniform(0.3, 1.2)
        else:
            if kind == "exercise":
                if not order:
                    order = rng.permutation(len(ARKIT_CHANNELS)).tolist()
                target = _exercise(order.pop(), rng)
            else:
                target = _expression(names[rng.integers(len(names))], rng)
            onset, offset = rng.uniform(0.12, 0.6, 2)
            hold = rng.choice([rng.uniform(0, 0.15), rng.uniform(0.1, 1.0)])
            curve = _envelope(times, now, onset, hold, offset)
            # Not all muscles start together.
            lag = np.asarray(rng.integers(-2, 3, face.shape[1]))
            for channel in np.flatnonzero(target):
                moved = np.roll(curve, lag[channel])
                face[:, channel] = np.maximum(face[:, channel], moved * target[channel])
            length = onset + hold + offset
        now += length * rng.uniform(0.7, 1.1)


def _with_leaks(target: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """What comes along: for each active channel, its companions at a drawn share."""
    share = rng.uniform(0.4, 1.6)
    full = target.copy()
    for name, companions in LEAKS.items():
        value = target[INDEX[name]]
        if value <= 0:
            continue
        for other, (low, high) in companions.items():
            if rng.random() < 0.75:
                extra = value * share * rng.uniform(low, high)
                full[INDEX[other]] = max(full[INDEX[other]], extra)
    return full.clip(0, 1)


def _one_sided(target: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Both sides alike, or one side with the other coming along a little."""
    pick = rng.random()
    if pick < 0.6:
        return target * np.where(np.arange(len(target)) != _MIRROR, rng.uniform(0.85, 1.0), 1.0)
    left = np.array([n.endswith("Left") for n in ARKIT_CHANNELS])
    right = np.array([n.endswith("Right") for n in ARKIT_CHANNELS])
    weak = left if pick < 0.8 else right
    directed = np.array([n.startswith(("jaw", "mouthLeft", "mouthRight")) for n in ARKIT_CHANNELS])
    return np.where(weak & ~directed, target * rng.uniform(0, 0.5), target)


def _exercise(channel: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """One channel, or the pair it belongs to, brought up; companions leak."""
    target = np.zeros(len(ARKIT_CHANNELS))
    amplitude = rng.choice([rng.uniform(0.2, 0.6), rng.uniform(0.6, 1.0)])
    target[channel] = amplitude
    name = ARKIT_CHANNELS[channel]
    directed = name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
    if not directed and rng.random() < 0.7:
        target[_MIRROR[channel]] = amplitude * rng.uniform(0.85, 1.0)
    return _with_leaks(target, rng)


def _expression(name: str, rng: np.random.Generator) -> NDArray[np.float64]:
    target = np.zeros(len(ARKIT_CHANNELS))
    strength = rng.uniform(0.35, 1.0)
    for channel, (low, high) in EXPRESSIONS[name].items():
        if rng.random() < 0.9:
            target[INDEX[channel]] = strength * rng.uniform(low, high)
    target = np.where(
        np.arange(len(target)) != _MIRROR, (target + target[_MIRROR]) / 2, target
    ) if name != "sideways" else target  # fmt: skip
    return _with_leaks(_one_sided(target, rng), rng)


def _speech(
    face: NDArray[np.float64],
    times: NDArray[np.float64],
    start: float,
    length: float,
    rng: np.random.Generator,
) -> None:
    """Syllables at 3 to 6 a second: overlapping visemes, so neighbours shape each other."""
    names = list(VISEMES)
    loudness = rng.uniform(0.4, 1.0)
    articulation = rng.uniform(0.5, 1.2)
    now, rate = start, rng.uniform(3.0, 6.0)
    while now < start + length:
        syllable = 1 / rate * rng.uniform(0.7, 1.4)
        target = np.zeros(face.shape[1])
        for channel, (low, high) in VISEMES[names[rng.integers(len(names))]].items():
            scale = loudness if channel == "jawOpen" else articulation
            target[INDEX[channel]] = min(scale * rng.uniform(low, high), 1.0)
        curve = _envelope(
            times, now - 0.4 * syllable, 0.7 * syllable, 0.1 * syllable, 0.9 * syllable
        )
        np.maximum(face, curve[:, None] * target, out=face)
        now += syllable
    stress = _envelope(times, start, 0.3, length / 2, 0.5) * rng.uniform(0, 0.4)
    brow = INDEX["browInnerUp"]
    face[:, brow] = np.maximum(face[:, brow], stress)


def _blinks(
    face: NDArray[np.float64], times: NDArray[np.float64], rng: np.random.Generator
) -> None:
    now = rng.exponential(2.0)
    leak = rng.uniform(0.1, 0.5)
    while now < times[-1]:
        curve = _envelope(
            times, now, rng.uniform(0.06, 0.12), rng.uniform(0, 0.08), rng.uniform(0.1, 0.22)
        )
        depth = rng.uniform(0.6, 1.0)
        for side in ("Left", "Right"):
            blink, squint = INDEX[f"eyeBlink{side}"], INDEX[f"eyeSquint{side}"]
            close = curve * depth * rng.uniform(0.95, 1.0)
            face[:, blink] = np.maximum(face[:, blink], close)
            face[:, squint] = np.maximum(face[:, squint], close * leak * 0.5)
            face[:, INDEX[f"eyeWide{side}"]] *= 1 - close
        now += rng.exponential(3.0) + 0.25


def _gaze(face: NDArray[np.float64], times: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Fixations and saccades of both eyes together; lids follow the gaze down."""
    yaw, pitch = np.zeros(len(times)), np.zeros(len(times))
    reach = rng.uniform(0.15, 0.9)
    now = 0.0
    at = np.zeros(2)
    while now < times[-1]:
        to = rng.normal(0, 0.45, 2).clip(-1, 1) * reach
        step = _minimum_jerk((times - now) / rng.uniform(0.03, 0.15))
        yaw += (to[0] - at[0]) * step
        pitch += (to[1] - at[1]) * step
        at = to
        now += rng.exponential(0.9) + 0.15
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        # Positive yaw: towards the character's left, outwards for the left eye.
        face[:, INDEX[f"eyeLookOut{side}"]] = np.maximum(
            face[:, INDEX[f"eyeLookOut{side}"]], (sign * yaw).clip(0)
        )
        face[:, INDEX[f"eyeLookIn{side}"]] = np.maximum(
            face[:, INDEX[f"eyeLookIn{side}"]], (-sign * yaw).clip(0)
        )
        face[:, INDEX[f"eyeLookUp{side}"]] = np.maximum(
            face[:, INDEX[f"eyeLookUp{side}"]], pitch.clip(0)
        )
        face[:, INDEX[f"eyeLookDown{side}"]] = np.maximum(
            face[:, INDEX[f"eyeLookDown{side}"]], (-pitch).clip(0)
        )
        follow = INDEX[f"eyeBlink{side}"]
        face[:, follow] = np.maximum(face[:, follow], (-pitch).clip(0) * 0.35)


def _rest(rng: np.random.Generator) -> NDArray[np.float64]:
    """The performer's resting face: a solver never says exactly zero."""
    rest = np.zeros(len(ARKIT_CHANNELS))
    spread = rng.uniform(0.2, 1.8)
    for name, typical in RESTING.items():
        if rng.random() < 0.75:
            rest[INDEX[name]] = min(rng.exponential(typical * spread), 0.35)
    return np.asarray((rest + rest[_MIRROR]) / 2)


def _smooth_noise(
    rng: np.random.Generator, times: NDArray[np.float64], hertz: float, channels: int
) -> NDArray[np.float64]:
    """(T, channels) sums of slow sines, about in [-1, 1]."""
    waves = 5
    frequency = rng.uniform(0.2, 1.0, (waves, channels)) * hertz
    phase = rng.uniform(0, 2 * np.pi, (waves, channels))
    amplitude = rng.dirichlet(np.ones(waves), channels).T * 1.4
    angle = 2 * np.pi * frequency[None] * times[:, None, None] + phase[None]
    return np.asarray((amplitude[None] * np.sin(angle)).sum(1))
