"""Recordings: times in seconds and one value per channel per time; .npz and Live Link Face .csv."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.channels import reorder
from mien.errors import ChannelError, InputError
from mien.live_link_csv import live_link_csv, read_live_link_csv

__all__ = ["CLIP_SUFFIXES", "Clip"]

CLIP_SUFFIXES = (".csv", ".npz")

_DAMAGED = (
    ArithmeticError, EOFError, MemoryError, RuntimeError, TypeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What zipfile and numpy's parser of array headers raise for files that are none of theirs."""

_NPZ_LIMIT = 1 << 30  # bytes unpacked: an hour of 60 channels at 60 fps is 52 MB


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording of named channels at its own, possibly uneven, times.

    Raises InputError for shapes that do not fit, times that do not increase and values that are
    not finite; ChannelError for a duplicate name.

    >>> clip = Clip(("jawOpen",), np.array([0.0, 0.5]), np.array([[0.2], [0.4]]))
    >>> clip.resample(rate_hz=4)["JawOpen"]
    array([0.2, 0.3, 0.4], dtype=float32)
    """

    names: tuple[str, ...]
    """C channel names; `Clip.select` finds them in any known spelling."""
    times_s: NDArray[np.float64]
    """(T,) seconds, strictly increasing."""
    values: NDArray[np.float32]
    """(T, C) channel values: blendshapes mostly in 0..1 (recordings overshoot), angles radians."""
    timecode_s: float = 0.0
    """Time of day of time 0, seconds after midnight: what a timecode shows there."""

    def __post_init__(self) -> None:
        names = tuple(str(name) for name in self.names)
        times = np.ascontiguousarray(self.times_s, np.float64)
        values = np.ascontiguousarray(self.values, np.float32)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "times_s", times)
        object.__setattr__(self, "values", values)
        if times.ndim != 1 or values.shape != (len(times), len(names)):
            raise InputError(
                f"clip: values of shape {values.shape} do not fit {len(times)} times and "
                f"{len(names)} names"
            )
        if not len(times):
            raise InputError("clip: a clip needs at least one time")
        if len(set(names)) != len(names):
            duplicate = next(name for name in names if names.count(name) > 1)
            raise ChannelError(f"clip: the channel {duplicate!r} is there twice")
        if not np.isfinite(times).all() or not np.isfinite(self.timecode_s):
            raise InputError("clip: times must be finite")
        if (late := np.flatnonzero(np.diff(times) <= 0)).size:
            row = int(late[0]) + 1
            raise InputError(
                f"clip: times must increase, but time {row} ({times[row]:.6f} s) follows "
                f"{times[row - 1]:.6f} s"
            )
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            raise InputError(f"clip: {names[column]} is not finite at time {row}")

    def __len__(self) -> int:
        return len(self.times_s)

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """(T,) one channel, by its name in any known spelling."""
        return reorder(self.values, self.names, (name,))[:, 0]

    @property
    def duration_s(self) -> float:
        """From the first time to the last, seconds."""
        return float(self.times_s[-1] - self.times_s[0])

    @property
    def rate_hz(self) -> float:
        """The usual number of values a second (of the median step); 0 for a single time."""
        return float(1.0 / np.median(np.diff(self.times_s))) if len(self) > 1 else 0.0

    def select(self, names: Sequence[str], missing: float | None = None) -> Clip:
        """The named channels in that order and spelling; `mien.channels.reorder` has the rules.

        >>> TAKE.select(["mouthSmile_L", "cheekPuff"], missing=0.0).values[0]
        array([1., 0.], dtype=float32)
        """
        values = reorder(self.values, self.names, names, missing)
        return replace(self, names=tuple(names), values=values)

    def resample(self, rate_hz: float) -> Clip:
        """Linear interpolation at first time + k / rate_hz, up to the last time.

        >>> TAKE.resample(rate_hz=4).times_s
        array([0.  , 0.25, 0.5 ])
        """
        if not rate_hz > 0:
            raise InputError(f"clip: cannot resample to {rate_hz} Hz, the rate must be positive")
        # The small allowance keeps the last time when rounding put it a hair before its step.
        count = int(np.floor(self.duration_s * rate_hz + 1e-6)) + 1
        times = self.times_s[0] + np.arange(count) / rate_hz
        columns = [np.interp(times, self.times_s, column) for column in self.values.T]
        values = np.stack(columns, axis=1) if columns else np.empty((count, 0))
        return replace(self, times_s=times, values=values.astype(np.float32))

    def between(self, start_s: float, end_s: float) -> Clip:
        """The part with start_s <= time < end_s, times unchanged. Raises InputError if empty.

        >>> TAKE.between(0.4, 1.0).times_s
        array([0.5])
        """
        kept = (self.times_s >= start_s) & (self.times_s < end_s)
        if not kept.any():
            raise InputError(
                f"clip: no time lies in [{start_s}, {end_s}) s; the clip runs from "
                f"{self.times_s[0]:.3f} to {self.times_s[-1]:.3f} s"
            )
        return replace(self, times_s=self.times_s[kept], values=self.values[kept])

    @classmethod
    def read(cls, path: str | Path, timecode_fps: float = 60.0) -> Clip:
        """Read `.npz`, or a Live Link Face `.csv` (names become canonical, times start at 0).

        `timecode_fps` is the rate of the CSV's frame numbers: 60 unless the phone was slaved to a
        timecode source of another rate. Raises InputError, naming file, row and column, for
        anything that is not such a file.

        >>> TAKE.write(FOLDER / "take.npz")
        >>> Clip.read(FOLDER / "take.npz").names
        ('jawOpen', 'mouthSmileLeft')
        """
        path = Path(path)
        match path.suffix.lower():
            case ".csv":
                return cls(*read_live_link_csv(path, timecode_fps))
            case ".npz":
                return _read_npz(path)
            case suffix:
                raise InputError(f"{path}: a clip is a .csv or .npz file, not {suffix!r}")

    def write(self, path: str | Path) -> None:
        """Write `.npz` (everything, exactly) or a Live Link Face `.csv` (its channels only).

        The file appears under its name only when it is complete. In a CSV the times are rounded to
        the timecode's 1/60000 s and channels that the clip does not have stand as 0, since the
        format always has all 61 columns. Raises ChannelError for channels that a CSV cannot hold.

        >>> TAKE.write(FOLDER / "take.csv")
        >>> Clip.read(FOLDER / "take.csv")["jawOpen"]
        array([0.25, 0.75], dtype=float32)
        """
        path = Path(path)
        match path.suffix.lower():
            case ".csv":
                text = live_link_csv(self.names, self.times_s, self.values, self.timecode_s)
                write_atomically(path, text.encode())
            case ".npz":
                write_atomically(path, self._npz())
            case suffix:
                raise InputError(f"{path}: a clip is written to .csv or .npz, not {suffix!r}")

    def _npz(self) -> bytes:
        buffer = io.BytesIO()
        np.savez(
            buffer,
            names=np.array(self.names, dtype=np.str_),
            times_s=self.times_s,
            values=self.values,
            timecode_s=np.float64(self.timecode_s),
        )
        return buffer.getvalue()


def _read_npz(path: Path) -> Clip:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > _NPZ_LIMIT:
                raise InputError(
                    f"{path}: unpacks to {size} bytes, more than a clip may ({_NPZ_LIMIT})"
                )
            parts = {key: _read_array(archive, key) for key in ("names", "times_s", "values")}
            has_timecode = "timecode_s.npy" in archive.namelist()
            timecode_s = float(_read_array(archive, "timecode_s")) if has_timecode else 0.0
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except KeyError as error:
        raise InputError(f"{path}: not a clip: {error.args[0]}") from None
    except _DAMAGED as error:
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: not a clip in NPZ form: {reason}") from None
    if parts["names"].dtype.kind != "U" or any(
        parts[key].dtype.kind != "f" for key in ("times_s", "values")
    ):
        raise InputError(f"{path}: not a clip: names must be strings, times_s and values floats")
    try:
        return Clip(tuple(parts["names"].tolist()), parts["times_s"], parts["values"], timecode_s)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None


_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """One array of an .npz, once its entry is found to hold as much as its header claims."""
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{name}: NPY of version {version}, expected {sorted(_HEADERS)}")
        shape, _, dtype = _HEADERS[version](file)
        claimed = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or claimed != entry.file_size - file.tell():
            raise ValueError(f"{name}: {entry.file_size} bytes do not hold shape {shape}")
    with archive.open(entry) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array
