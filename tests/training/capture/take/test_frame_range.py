"""first:last:step, the last included."""

import pytest

from mien.errors import InputError
from mien_training.capture.take.frame_range import FrameRange, parse_frames


@pytest.mark.parametrize(
    ("text", "frames", "chosen"),
    [
        (":", range(4), [0, 1, 2, 3]),
        ("2", range(4), [2]),
        ("1:2", range(4), [1, 2]),
        ("::3", range(8), [0, 3, 6]),
        ("101:105:2", range(100, 110), [1, 3, 5]),
        ("4:", range(0, 10, 2), [2, 3, 4]),
        (":5", range(0, 10, 2), [0, 1, 2]),
        ("50:60", range(4), []),
    ],
)
def test_rows_within_the_range(text, frames, chosen):
    assert parse_frames(text).chosen(list(frames)) == chosen


def test_an_empty_range_is_everything():
    assert parse_frames("::1") == FrameRange()


@pytest.mark.parametrize("text", ["", "a", "1:2:3:4", "-1", "3:2", "::0", "1.5", "²"])
def test_anything_else_is_named(text):
    with pytest.raises(InputError, match="--frames"):
        parse_frames(text)
