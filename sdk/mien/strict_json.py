"""JSON as files from strangers need it read: no doubled keys, no NaN, typed fields."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from mien.errors import MienError

__all__ = ["Fields", "parse_strict"]


class _Refused(ValueError):
    """A JSON text breaks a rule that json.loads itself would let pass."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [key for key, _ in pairs]
        doubled = sorted({key for key in names if names.count(key) > 1})
        raise _Refused(f"field {doubled[0]!r} occurs twice in one object")
    return result


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused(f"{text} is not a finite number")
    return value


def _constant(text: str) -> float:
    raise _Refused(f"{text} is not a number that JSON has")


def parse_strict(data: bytes, where: str, error: type[MienError]) -> dict[str, Any]:
    """The JSON object in UTF-8 `data`.

    Raises `error`, naming `where`, for anything else: broken UTF-8 or JSON, NaN, infinities and
    numbers beyond float64, doubled keys, nesting that exhausts the parser, a text or list at the
    top.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as reason:
        raise error(f"{where}: not valid JSON: {reason}") from None
    if not isinstance(value, dict):
        raise error(f"{where}: holds {_kind(value)}, expected an object")
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a number", str: "a text"}
    names |= {list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


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
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        return self.error(f"{self.where}: field {key!r} is {shown}, expected {expected}")

    def text(self, key: str, *, empty: bool = False) -> str:
        """A text, not empty unless told so."""
        expected = "a text" if empty else "a text that is not empty"
        value = self._get(key, expected)
        if not isinstance(value, str) or not (value or empty):
            raise self._refuse(key, value, expected)
        return value

    def integer(self, key: str, minimum: int = 0, maximum: int = 2**53) -> int:
        """An integer in [minimum, maximum]; 3.0 and true are none."""
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
        """A list of texts, none of them empty."""
        values = self.items(key)
        for i, value in enumerate(values):
            if not isinstance(value, str) or not value:
                raise self._refuse(f"{key}[{i}]", value, "a text that is not empty")
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
        """Refuse fields that nobody knows: a misspelt optional field must not pass unseen."""
        unknown = sorted(set(self.values) - set(known))
        if unknown:
            raise self.error(
                f"{self.where}: field {unknown[0]!r} is unknown, expected only {', '.join(known)}"
            )
