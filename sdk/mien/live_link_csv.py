"""Live Link Face's CSV: how the phone app and the tools around it store a take.

    Timecode,BlendShapeCount,EyeBlinkLeft,...,TongueOut,HeadYaw,...,RightEyeRoll
    13:13:04:31.652,61,0.1236470118,...

The timecode is HH:MM:SS:FF.fff: FF is the frame at 60 a second whatever the take's own rate (the
phone usually records 30), .fff a fraction of that frame. Columns are read by their names: JawRight
stands before JawLeft, MouthRight before MouthLeft. 61 value columns, 52 where a tool left the head
out, 68 with NeuroSync's emotions.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS, LIVE_LINK_CSV, NEUROSYNC, canonical_name, reorder
from mien.errors import ChannelError, InputError

__all__ = ["CsvTake", "live_link_csv", "read_live_link_csv"]

_DAY_S = 86400.0
_TICKS = 60_000  # of a second: 60 frames of 1000 parts, the finest that FF.fff can say
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_TIMECODE = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d):(\d{1,3}(?:\.\d+)?)")


class CsvTake(NamedTuple):
    """The content of a CSV; `mien.Clip` has the same fields."""

    names: tuple[str, ...]
    """C canonical channel names."""
    times_s: NDArray[np.float64]
    """(T,) seconds from the first row."""
    values: NDArray[np.float32]
    """(T, C)"""
    timecode_s: float
    """Time of day of time 0, seconds after midnight."""


def read_live_link_csv(path: Path, timecode_fps: float = 60.0) -> CsvTake:
    """The take with canonical names and times from 0; `timecode_s` holds its time of day.

    Rows whose count is 0 hold no face: they are left out and the gap in time stays. A take may run
    over midnight. Raises InputError naming file, row (the header is row 1) and column.
    """
    rows = _rows(path)
    names = _names(path, rows[0])
    times: list[float] = []
    values: list[NDArray[np.float32]] = []
    day_s = 0.0
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) != len(rows[0]):
            raise InputError(
                f"{path}: row {number} has {len(row)} columns, the header {len(rows[0])}"
            )
        time_s = day_s + _seconds(path, number, row[0], timecode_fps)
        if times and time_s < times[-1] - _DAY_S / 2:
            day_s += _DAY_S
            time_s += _DAY_S
        if times and time_s <= times[-1]:
            raise InputError(
                f"{path}: row {number}, column Timecode: {row[0]!r} is not later than the last"
            )
        if row[1].strip() not in {"52", "61", str(len(names))}:
            if row[1].strip() == "0":
                continue
            raise InputError(
                f"{path}: row {number}, column {rows[0][1]}: {row[1]!r} values are announced, "
                f"{len(names)} are there"
            )
        times.append(time_s)
        values.append(_floats(path, number, row, rows[0]))
    if not times:
        raise InputError(f"{path}: holds no row with a face")
    clock = np.array(times, np.float64)
    _check_frame_rate(path, rows, clock, timecode_fps)
    return CsvTake(names, clock - clock[0], np.array(values, np.float32), float(clock[0]))


def live_link_csv(
    names: Sequence[str],
    times_s: NDArray[np.float64],
    values: NDArray[np.float32],
    timecode_s: float = 0.0,
) -> str:
    """The text of a recording's CSV: 61 value columns, or 68 when it has emotions.

    `names` (C,), `times_s` (T,), `values` (T, C). Channels that it does not
    have are 0, as the app itself writes a head it does not track.
    Raises ChannelError for channels without a column and InputError for times that would share a
    timecode.
    """
    columns = {canonical_name(name): name for name in NEUROSYNC}
    held = {_canonical_or_self(name) for name in names}
    if unknown := sorted(held - set(columns)):
        raise ChannelError(
            f"a Live Link Face CSV has no column for {', '.join(unknown)}: write .npz, or "
            "select() the channels to keep"
        )
    emotions = any(columns[name] not in LIVE_LINK_CSV for name in held)
    header = NEUROSYNC if emotions else LIVE_LINK_CSV
    ticks = np.rint((timecode_s + times_s) * _TICKS).astype(np.int64)
    if (same := np.flatnonzero(np.diff(ticks) <= 0)).size:
        raise InputError(
            f"times {same[0]} and {same[0] + 1} of the clip are closer than a timecode can tell "
            "(1/60000 s): write .npz, or resample()"
        )
    lines = [f"Timecode,BlendShapeCount,{','.join(header)}"]
    for tick, row in zip(ticks.tolist(), reorder(values, names, header, 0.0), strict=True):
        numbers = ",".join(f"{value:.10f}" for value in row)
        lines.append(f"{_timecode(tick)},{len(header)},{numbers}")
    return "\n".join(lines) + "\n"


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a Live Link Face CSV: {error}") from None
    header = [cell.strip() for cell in rows[0]] if rows else []
    if [cell.lower() for cell in header[:2]] != ["timecode", "blendshapecount"]:
        raise InputError(
            f"{path}: not a Live Link Face CSV: the header must start with "
            f"Timecode,BlendShapeCount, it starts with {','.join(header[:2])[:60]!r}"
        )
    return [header, *rows[1:]]


def _names(path: Path, header: list[str]) -> tuple[str, ...]:
    names = []
    for cell in header[2:]:
        try:
            names.append(canonical_name(cell))
        except ChannelError as error:
            raise ChannelError(f"{path}: column {cell!r}: {error}") from None
        if names[-1] in names[:-1]:
            raise ChannelError(f"{path}: column {cell!r}: the channel {names[-1]} is there twice")
    if absent := [name for name in ARKIT_CHANNELS if name not in names]:
        raise ChannelError(f"{path}: has no column for {', '.join(absent)}")
    return tuple(names)


def _seconds(path: Path, number: int, timecode: str, fps: float) -> float:
    found = _TIMECODE.fullmatch(timecode.strip())
    if found is None or int(found[1]) > 23:
        raise InputError(
            f"{path}: row {number}, column Timecode: {timecode!r} is not HH:MM:SS:FF.fff"
        )
    frame = float(found[4])
    if frame >= fps:
        raise InputError(
            f"{path}: row {number}, column Timecode: frame {frame} of a second with {fps:g} frames"
        )
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]) + frame / fps


def _floats(path: Path, number: int, row: list[str], header: list[str]) -> NDArray[np.float32]:
    try:
        values = [float(cell) for cell in row[2:]]
    except ValueError:
        values = [_number(cell) for cell in row[2:]]
    if max(map(abs, values)) <= _FLOAT32_MAX and not any(map(math.isnan, values)):
        return np.array(values, np.float32)
    for cell, value, column in zip(row[2:], values, header[2:], strict=True):
        if not abs(value) <= _FLOAT32_MAX:
            raise InputError(
                f"{path}: row {number}, column {column}: {cell!r} is not a finite number"
            )
    raise AssertionError("unreachable: one of the cells is not finite")


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _check_frame_rate(
    path: Path, rows: list[list[str]], clock: NDArray[np.float64], fps: float
) -> None:
    """Refuse a timecode that plainly runs at another rate: its times would leap every second."""
    frames = [float(row[0].rsplit(":", 1)[1]) for row in rows[1:] if row]
    if len(frames) >= 60 and clock[-1] - clock[0] > 3 and max(frames) < fps / 2:
        raise InputError(
            f"{path}: column Timecode: frame numbers never pass {max(frames):.0f} of {fps:g}: the "
            f"timecode seems to run at {int(max(frames)) + 1} frames a second; say so with "
            "timecode_fps"
        )


def _canonical_or_self(name: str) -> str:
    try:
        return canonical_name(name)
    except ChannelError:
        return name


def _timecode(tick: int) -> str:
    seconds, part = divmod(tick % int(_DAY_S * _TICKS), _TICKS)
    frame, thousandth = divmod(part, 1000)
    hour, minute, second = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hour:02}:{minute:02}:{second:02}:{frame:02}.{thousandth:03}"
