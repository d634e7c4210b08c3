"""JSON from untrusted files: what json.loads would let pass is refused with the field's name."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import InputError
from mien.strict_json import Fields, parse_strict

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def fields(**values: Any) -> Fields:
    return Fields(values, "file", InputError)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), JSON))
def test_reads_what_json_writes(value: dict[str, Any]) -> None:
    assert parse_strict(json.dumps(value).encode(), "file", InputError) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a": 1, "a": 2}', "file: not valid JSON: field 'a' occurs twice"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": -Infinity}', "-Infinity is not a number"),
        (b'{"a": 1e999}', "1e999 is not a finite number"),
        (b'"a"', "holds a string, expected an object"),
        (b"null", "holds null, expected an object"),
        (b"\xff", "not valid JSON"),
        (b"", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_refused(text: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_strict(text, "file", InputError)


def test_typed_fields() -> None:
    given_ = fields(t="x", i=3, n=0.5, l=["a"], o={"p": 1}, v=[1, 2.5], s=[{"q": "r"}])
    assert given_.text("t") == "x"
    assert given_.integer("i", 0, 3) == 3
    assert given_.number("i") == 3.0 and given_.number("n") == 0.5
    assert given_.texts("l") == ("a",)
    assert given_.object("o").integer("p") == 1
    assert given_.numbers("v", 2) == (1.0, 2.5)
    assert given_.objects("s")[0].text("q") == "r"


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda f: f.text("absent"), "file: field 'absent' is missing, expected a string"),
        (lambda f: f.text("empty"), "field 'empty' is ''"),
        (lambda f: f.integer("n"), "field 'n' is 0.5, expected an integer"),
        (lambda f: f.integer("b"), "field 'b' is True, expected an integer"),
        (lambda f: f.integer("i", 0, 2), "field 'i' is 3, expected an integer from 0 to 2"),
        (lambda f: f.number("b"), "field 'b' is True, expected a number"),
        (lambda f: f.number("i", 0, 1), "field 'i' is 3, expected a number from 0 to 1"),
        (lambda f: f.texts("mixed"), r"field 'mixed\[1\]' is 7"),
        (lambda f: f.numbers("mixed", 2), r"field 'mixed\[0\]' is 'a', expected a number"),
        (lambda f: f.numbers("mixed", 3), "has 2 items, expected 3 numbers"),
        (lambda f: f.object("mixed"), "field 'mixed' is a list, expected an object"),
        (lambda f: f.objects("mixed"), r"file: mixed\[0\]: is a string, expected an object"),
        (lambda f: f.object("deep").text("x"), "file: deep: field 'x' is missing"),
        (lambda f: f.only("n", "i"), "field 'b' is unknown, expected only n, i"),
    ],
)
def test_refusals_name_the_field(read: Any, message: str) -> None:
    values = fields(n=0.5, i=3, b=True, empty="", mixed=["a", 7], deep={})
    with pytest.raises(InputError, match=message):
        read(values)


def test_memory_is_limited_before_anything_is_parsed() -> None:
    """A list of empty objects takes 25 times its length."""
    data = b'{"a":[' + b"{}," * 1_000_000 + b"{}]}"
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"file: parsing the JSON: needs \d+ bytes"):
            parse_strict(data, "file", InputError)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_many_keys_and_one_duplicate_are_found_in_one_pass() -> None:
    """Counting each key anew would take 10^9 comparisons."""
    keys = ",".join(f'"k{i}":0' for i in range(30_000))
    with pytest.raises(InputError, match="field 'k7' occurs twice"):
        parse_strict(f'{{{keys},"k7":1}}'.encode(), "file", InputError)


def test_integers_beyond_float64_are_refused() -> None:
    data = b'{"a": 1' + b"0" * 400 + b"}"
    with pytest.raises(InputError, match=r"file: not valid JSON: 1000.*\.\.\. is beyond"):
        parse_strict(data, "file", InputError)
