"""What a performer was asked for in each moment: a table, as a file that people write.

A CSV file with a line of names. One column says which moment a row is about: `frame` (index of its
pictures), else `time_s` (seconds from the first picture; the nearest moment), else `order` (1 is
the first moment, failed ones counted). `prompt` is for people. Every other column is a shape, with
the weight that is expected of it, 0..1; empty cells are 0. About .8 is what people reach of a shape
that they are asked to show fully.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.footage.captured import CapturedMeshes

__all__ = ["DIRECTED", "PoseScript", "directed_poses", "read_script"]

DIRECTED = "directed"
"""In place of a file's name: the list that ships."""

Key = Literal["frame", "time_s", "order"]
_KEYS: tuple[Key, ...] = ("frame", "time_s", "order")
_PROMPT = "prompt"
_NEAR_S = 0.1
"""A row's moment is no further from its time."""


@dataclass(frozen=True, eq=False)
class PoseScript:
    """R rows of a script."""

    source: str
    """The file, for messages."""
    key: Key
    """What `moment` counts."""
    moment: NDArray[np.float64]
    """(R,)"""
    line: tuple[int, ...]
    """(R,) of the file, 1 is the first."""
    prompt: tuple[str, ...]
    """(R,) what was said to the performer, or nothing."""
    names: tuple[str, ...]
    """Shapes."""
    amounts: NDArray[np.float64]
    """(R, N) 0..1"""

    def rows_of(self, meshes: CapturedMeshes) -> NDArray[np.intp]:
        """(R,) index of each row's moment.

        Raises InputError, naming file and line, for a row about a moment that is not there, and for
        two rows about one.
        """
        found: dict[int, int] = {}
        for value, line in zip(self.moment, self.line, strict=True):
            row = self._row_of(float(value), line, meshes)
            if row in found:
                raise InputError(
                    f"{self.source}: line {line}, field '{self.key}': the moment of line "
                    f"{found[row]} again"
                )
            found[row] = line
        return np.array(list(found), np.intp)

    def of_shapes(self, shape_names: Sequence[str]) -> NDArray[np.float64]:
        """(R, K) amounts in another order; shapes that the script does not name are 0."""
        column = {name: self.amounts[:, n] for n, name in enumerate(self.names)}
        none = np.zeros(len(self.amounts))
        return np.stack([column.get(name, none) for name in shape_names], 1)

    def _row_of(self, value: float, line: int, meshes: CapturedMeshes) -> int:
        where = f"{self.source}: line {line}, field '{self.key}': {value:g}"
        count = len(meshes)
        if self.key == "order":
            if not (value.is_integer() and 1 <= value <= count):
                raise InputError(f"{where}, expected a whole number of 1 to {count} moments")
            return int(value) - 1
        if self.key == "frame":
            rows = np.flatnonzero(meshes.frame == value)
            if not len(rows):
                raise InputError(
                    f"{where}, expected a frame of the capture, which has {meshes.frame.min()} to "
                    f"{meshes.frame.max()}"
                )
            return int(rows[0])
        apart = np.abs(meshes.time_s - value)
        if apart.min() > _NEAR_S:
            raise InputError(
                f"{where} s, no moment within {_NEAR_S} s; expected {meshes.time_s[0]:g} to "
                f"{meshes.time_s[-1]:g} s"
            )
        return int(apart.argmin())


def read_script(path: str | Path, shape_names: Sequence[str]) -> PoseScript:
    """Of a CSV file, or the list that ships if `path` is "directed".

    Columns may be named after `shape_names` and after ARKit's channels, which a template need not
    have. Raises InputError naming file, line, field and what was expected.
    """
    if str(path) == DIRECTED:
        return directed_poses()
    try:
        text = Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as reason:
        raise InputError(f"{path}: cannot be read as text ({reason})") from None
    return _parsed(str(path), text, shape_names)


def directed_poses() -> PoseScript:
    """The printable list of 60: every one of ARKit's channels, alone where people can."""
    file = files("mien_training.rig.from_meshes") / "directed_poses.csv"
    return _parsed("directed_poses.csv", file.read_text("utf-8"), ARKIT_CHANNELS)


def _parsed(source: str, text: str, shape_names: Sequence[str]) -> PoseScript:
    try:
        reader = csv.reader(text.splitlines(), strict=True)
        table = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as reason:
        raise InputError(f"{source}: not a CSV file ({reason})") from None
    table = [(line, row) for line, row in table if any(row)]
    if len(table) < 2:
        raise InputError(f"{source}: no poses, expected a line of names and a line a pose")
    (_, head), rows = table[0], table[1:]
    names, key = _columns(source, head, shape_names)
    moment, amounts, prompts = [], [], []
    for line, row in rows:
        if len(row) != len(head):
            raise InputError(f"{source}: line {line}: {len(row)} fields, expected {len(head)}")
        cells = dict(zip(head, row, strict=True))
        moment.append(_number(source, line, key, cells[key]))
        amounts.append([_amount(source, line, name, cells[name]) for name in names])
        prompts.append(cells.get(_PROMPT, ""))
    lines = tuple(line for line, _ in rows)
    return PoseScript(
        source, key, np.array(moment), lines, tuple(prompts), names,
        np.array(amounts, np.float64).reshape(len(rows), len(names)),
    )  # fmt: skip


def _columns(
    source: str, head: list[str], shape_names: Sequence[str]
) -> tuple[tuple[str, ...], Key]:
    doubled = next((name for name in head if head.count(name) > 1), None)
    if doubled is not None:
        raise InputError(f"{source}: line 1, field {doubled!r}: there twice")
    known = {*shape_names, *ARKIT_CHANNELS}
    names = tuple(name for name in head if name not in (*_KEYS, _PROMPT))
    for name in names:
        if name not in known:
            raise InputError(
                f"{source}: line 1, field {name!r}: expected frame, time_s, order, prompt, or a "
                "shape's name such as jawOpen"
            )
    for key in _KEYS:
        if key in head:
            return names, key
    raise InputError(f"{source}: line 1: no field frame, time_s or order, expected one of them")


def _number(source: str, line: int, field: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{source}: line {line}, field {field!r}: {cell!r}, expected a number")
    return value


def _amount(source: str, line: int, field: str, cell: str) -> float:
    value = _number(source, line, field, cell) if cell else 0.0
    if not 0 <= value <= 1:
        raise InputError(f"{source}: line {line}, field {field!r}: {cell!r}, expected 0 to 1")
    return value
