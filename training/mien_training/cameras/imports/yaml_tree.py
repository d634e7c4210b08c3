"""YAML of OpenCV's FileStorage, and ordinary YAML, as plain values: no tag constructs anything."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from mien.errors import InputError
from mien.strict_json import Fields

__all__ = ["matrix_in", "numbers_in", "parse_yaml"]

_LARGEST = 2 << 20
"""Bytes: calibrations are small, and the parser is slow."""
_MOST_VALUES, _DEEPEST = 200_000, 30
_TAG = re.compile(r"tag:yaml\.org,2002:(map|seq|str|int|float|bool|null|timestamp|merge|opencv-.*)")
_WHOLE = re.compile(r"[-+]?\d{1,18}")


def parse_yaml(data: bytes, where: str) -> dict[str, Any]:
    """The mapping in `data`: dicts, lists, strings, numbers. An !!opencv-matrix is the mapping of
    its rows, cols, dt and data, see `matrix_in`.

    Scalars are numbers where Python's float takes them and they are not quoted. Raises InputError,
    naming `where`, for anything else: other tags, keys given twice, more than one document.
    """
    if len(data) > _LARGEST:
        raise InputError(
            f"{where}: {len(data):,} bytes, expected a calibration of at most {_LARGEST:,}"
        )
    try:
        text = data.decode("utf-8-sig")
        # OpenCV's first line is not YAML's: the directive has a colon.
        root = yaml.compose(re.sub(r"\A%YAML:.*", "", text), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise InputError(f"{where}: not text in UTF-8, expected YAML") from None
    except (yaml.YAMLError, RecursionError) as reason:
        mark = getattr(reason, "problem_mark", None)
        line = "" if mark is None else f" at line {mark.line + 1}"
        told = getattr(reason, "problem", None) or type(reason).__name__
        raise InputError(f"{where}: not valid YAML{line}: {told}") from None
    value = _Plain(where).of(root, 0)
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a mapping of names to values, as OpenCV writes it")
    return value


class _Plain:
    """Plain values of nodes; aliases may repeat them, hence the count."""

    def __init__(self, where: str) -> None:
        self.where, self.count = where, 0

    def of(self, node: Any, depth: int) -> Any:
        self.count += 1
        if self.count > _MOST_VALUES or depth > _DEEPEST:
            raise InputError(
                f"{self.where}: more than {_MOST_VALUES:,} values, or nested deeper than "
                f"{_DEEPEST}, expected a calibration"
            )
        if node is None:
            return None
        if not _TAG.fullmatch(node.tag):
            line = node.start_mark.line + 1
            raise InputError(
                f"{self.where}: tag {node.tag[:60]!r} at line {line}, expected plain values and "
                "!!opencv-matrix"
            )
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.of(child, depth + 1) for child in node.value]
        found: dict[str, Any] = {}
        for key, child in node.value:
            name = str(key.value)
            if name in found:
                line = key.start_mark.line + 1
                raise InputError(f"{self.where}: field {name[:60]!r} occurs twice (line {line})")
            found[name] = self.of(child, depth + 1)
        return found


def _scalar(node: Any) -> str | float | int | None:
    text = str(node.value)
    if node.style is not None:
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        return None if text in ("", "~", "null") else text
    # What is not finite stays a word: fields that nobody reads may hold it.
    return value if math.isfinite(value) else text


def matrix_in(fields: Fields, key: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    """An !!opencv-matrix, ROS's rows, cols and data, or a list of rows.

    Raises InputError, naming the field, unless it has that shape and finite numbers.
    """
    value = fields.values[key]
    rows: Any = value
    if isinstance(value, dict):
        one = fields.object(key)
        size = (one.integer("rows", 0, 10_000), one.integer("cols", 0, 10_000))
        flat = one.numbers("data", size[0] * size[1])
        rows = [flat[i * size[1] : (i + 1) * size[1]] for i in range(size[0])]
    try:
        if not all(type(number) in (int, float) for row in rows for number in row):
            raise ValueError
        matrix = np.array(rows, np.float64)
    except (TypeError, ValueError, OverflowError):
        matrix = np.zeros(0)
    if matrix.shape != shape or not np.isfinite(matrix).all():
        raise InputError(
            f"{fields.where}: field {key!r} must be {shape[0]} rows of {shape[1]} finite numbers"
        )
    return matrix


def numbers_in(fields: Fields, key: str, count: int | None = None) -> tuple[float, ...]:
    """A matrix of one row or one column, or a list; of `count` numbers if given.

    Raises InputError, naming the field, for anything else.
    """
    value = fields.values[key]
    if isinstance(value, dict):
        one = fields.object(key)
        size = (one.integer("rows", 0, 10_000), one.integer("cols", 0, 10_000))
        if min(size) > 1:
            raise InputError(
                f"{one.where}: {size[0]} rows of {size[1]}, expected one row or one column"
            )
        value = list(one.numbers("data", size[0] * size[1]))
    if isinstance(value, list) and all(isinstance(v, list) for v in value):
        # One row, or one column, as nested lists: numpy's tolist() of an OpenCV array.
        if len(value) == 1 or all(len(v) == 1 for v in value):
            value = [number for row in value for number in row]
    numbers = {key: value}
    found = Fields(numbers, fields.where, InputError)
    return found.numbers(key, len(found.items(key)) if count is None else count)
