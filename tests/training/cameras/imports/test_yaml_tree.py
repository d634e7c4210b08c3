"""YAML as plain values: what is read, and what is refused unread."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.strict_json import Fields
from mien_training.cameras.imports.yaml_tree import matrix_in, numbers_in, parse_yaml


def test_values():
    text = b"""%YAML:1.0
---
whole: 12
number: 1e-05
dotted: 4.
word: left.png
quoted: "12"
nothing:
spread: .Nan
list: [ 1, 2.5, [ a ] ]
"""
    assert parse_yaml(text, "a") == {
        "whole": 12, "number": 1e-5, "dotted": 4.0, "word": "left.png", "quoted": "12",
        "nothing": None, "spread": ".Nan", "list": [1, 2.5, ["a"]],
    }  # fmt: skip


def test_aliases_repeat_values():
    assert parse_yaml(b"a: &k [1, 2]\nb: *k\n", "a") == {"a": [1, 2], "b": [1, 2]}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{n}: &{n} [{', '.join(['*' + p] * 10)}]\n" for p, n in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: !!python/object/apply:os.system [ls]", "tag 'tag:yaml.org,2002:python.*at line 1"),
        (b"a: !own 1", "tag '!own' at line 1, expected plain values"),
        (b"a: 1\na: 2", r"field 'a' occurs twice \(line 2\)"),
        (b"a: [1, 2", "not valid YAML at line 1"),
        (b"a: 1\n---\nb: 2", "not valid YAML at line 2: but found another document"),
        (b"[1, 2]", "expected a mapping"),
        (b"", "expected a mapping"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"a: *gone", "not valid YAML at line 1"),
        (b"a: &a [*a]", "nested deeper than 30"),
        (b"[" * 2000, "not valid YAML"),
        (BOMB.encode(), "more than 200,000 values"),
        (b"#" * (3 << 20), "3,145,728 bytes, expected a calibration of at most"),
    ],
    ids=range(13),
)
def test_what_is_refused(data, message):
    with pytest.raises(InputError, match=rf"a\.yml: .*{message}"):
        parse_yaml(data, "a.yml")


def test_matrices_and_vectors():
    fields = Fields(
        parse_yaml(
            b"m: !!opencv-matrix {rows: 2, cols: 2, dt: d, data: [1, 2, 3, 4]}\n"
            b"r: [[1, 2], [3, 4]]\nv: [5, 6]\nc: [[5], [6]]\n"
            b"o: !!opencv-matrix {rows: 2, cols: 1, dt: f, data: [5, 6]}\n",
            "a",
        ),
        "a",
        InputError,
    )
    for key in "mr":
        np.testing.assert_array_equal(matrix_in(fields, key, (2, 2)), [[1, 2], [3, 4]])
    for key in "vco":
        assert numbers_in(fields, key) == numbers_in(fields, key, 2) == (5.0, 6.0)
    with pytest.raises(InputError, match="field 'm' must be 3 rows of 3"):
        matrix_in(fields, "m", (3, 3))
    with pytest.raises(InputError, match="field 'v' has 2 items, expected 3"):
        numbers_in(fields, "v", 3)
