"""Few frames for many: all of few, and of many no more than asked for, as far apart as can be."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.avatar.film.even_frames import even_frames


@pytest.mark.parametrize("count", [1, 2, 40])
def test_few_are_all_taken(count):
    assert even_frames(count, 40) == list(range(count))


@pytest.mark.parametrize("count", [41, 79, 80, 1000])
def test_of_many_no_more_than_asked_for(count):
    found = even_frames(count, 40)
    assert len(found) == 40 and (found[0], found[-1]) == (0, count - 1)
    assert np.ptp(np.diff(found)) <= 1 and min(np.diff(found)) >= 1


def test_of_many_one():
    assert even_frames(7, 1) == [0]


@pytest.mark.parametrize(("count", "most"), [(0, 3), (3, 0)])
def test_none_of_them(count, most):
    with pytest.raises(InputError, match=f"even_frames: {most} of {count} frames, expected 1"):
        even_frames(count, most)
