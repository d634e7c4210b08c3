"""JSON from untrusted files: no duplicate keys, no NaN, bounded memory, typed fields."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from mien.budget import FREE_BYTES, Budget
from mien.errors import MienError

__all__ = ["Fields", "parse_strict"]


class _Refused(ValueError):
    """The JSON breaks a rule that json.loads itself would let pass."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        duplicate = min(key for key, count in counts.items() if count > 1)
        raise _Refused(f"field {_shortened(repr(duplicate))} occurs twice in one object")
    return result


def _integer(digits: str) -> int:
    value = int(digits)
    if abs(value) > sys.float_info.max:
        raise _Refused(f"{_shortened(digits)} is beyond the numbers of float64")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused(f"{_shortened(text)} is not a finite number")
    return value


def _constant(text: str) -> float:
    raise _Refused(f"{text} is not a number that JSON has")


def _memory(data: bytes) -> int:
    """Bytes that parsing `data` takes at most (measured: nested empty lists grow 40 times)."""
    opened = data.count(b"{") + data.count(b"[")
    # The string itself takes up to four bytes a character, and its parts as much again.
    return 8 * len(data) + 80 * opened + 120 * data.count(b":") + 50 * data.count(b",") + 4096


def parse_strict(
    data: bytes, where: str, error: type[MienError], budget: Budget | None = None
) -> dict[str, Any]:
    """The JSON object in UTF-8 `data`.

    What parsing may allocate is charged to `budget` first (40 MiB unless given). Raises `error`,
    naming `where`, for anything else: broken UTF-8 or JSON, NaN, infinities and numbers beyond
    float64, duplicate keys, nesting that exhausts the parser, a string or list at the top.
    """
    budget = Budget(FREE_BYTES, "bytes", where, error) if budget is None else budget
    budget.spend(_memory(data), "parsing the JSON")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except (ValueError, RecursionError) as reason:
        raise error(f"{where}: not valid JSON: {reason}") from None
    if not isinstance(value, dict):
        raise error(f"{where}: holds {_kind(value)}, expected an object")
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a number", str: "a string"}
    names |= {list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def _is_string(value: object) -> bool:
    """Whether `value` is a string that UTF-8 can hold: JSON escapes can spell half characters."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


class Fields:
    """Typed access to the fields of one JSON object; every refusal names the field."""

    def __init__(self, values: object, where: str, error: type[MienError]) -> None:
        if not isinstance(values, Mapping):
            raise error(f"{where}: is {_kind(values)}, expected an object")
        self.values: Mapping[str, Any] = values
        self.where = where
        self.error = error

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def _get(self, key: str, expected: str) -> Any:
        if key not in self.values:
            raise self.error(f"{self.where}: field {key!r} is missing, expected {expected}")
        return self.values[key]

    def _refuse(self, key: str, value: object, expected: str) -> MienError:
        shown = repr(value) if isinstance(value, (bool, int, float, str)) else _kind(value)
        return self.error(
            f"{self.where}: field {key!r} is {_shortened(shown)}, expected {expected}"
        )

    def text(self, key: str, *, empty: bool = False) -> str:
        """A string, not empty unless `empty`."""
        expected = "a string" if empty else "a string that is not empty"
        value: str = self._get(key, expected)
        if not _is_string(value) or not (value or empty):
            raise self._refuse(key, value, expected)
        return value

    def integer(self, key: str, minimum: int = 0, maximum: int = 2**53) -> int:
        """An integer in [minimum, maximum]; 3.0 and true are refused."""
        expected = f"an integer from {minimum} to {maximum}"
        value = self._get(key, expected)
        if type(value) is not int or not minimum <= value <= maximum:
            raise self._refuse(key, value, expected)
        return value

    def number(self, key: str, minimum: float = -math.inf, maximum: float = math.inf) -> float:
        """A finite number in [minimum, maximum]."""
        expected = f"a number from {minimum:g} to {maximum:g}"
        value = self._get(key, expected)
        if type(value) not in (int, float) or not minimum <= value <= maximum:
            raise self._refuse(key, value, expected)
        return float(value)

    def items(self, key: str) -> list[Any]:
        """A list of anything."""
        value = self._get(key, "a list")
        if not isinstance(value, list):
            raise self._refuse(key, value, "a list")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, none of them empty."""
        values = self.items(key)
        for i, value in enumerate(values):
            if not _is_string(value) or not value:
                raise self._refuse(f"{key}[{i}]", value, "a string that is not empty")
        return tuple(values)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        """A list of exactly `count` numbers."""
        values = self.items(key)
        if len(values) != count:
            raise self.error(
                f"{self.where}: field {key!r} has {len(values)} items, expected {count} numbers"
            )
        for i, value in enumerate(values):
            if type(value) not in (int, float):
                raise self._refuse(f"{key}[{i}]", value, "a number")
        return tuple(float(value) for value in values)

    def object(self, key: str) -> Fields:
        """An object, as Fields of its own."""
        value = self._get(key, "an object")
        if not isinstance(value, dict):
            raise self._refuse(key, value, "an object")
        return Fields(value, f"{self.where}: {key}", self.error)

    def objects(self, key: str) -> list[Fields]:
        """A list of objects."""
        return [
            Fields(value, f"{self.where}: {key}[{i}]", self.error)
            for i, value in enumerate(self.items(key))
        ]

    def only(self, *known: str) -> None:
        """Refuse fields that are not known: a misspelt optional field must not pass unseen."""
        unknown = sorted(set(self.values) - set(known))
        if unknown:
            raise self.error(
                f"{self.where}: field {unknown[0]!r} is unknown, expected only {', '.join(known)}"
            )
