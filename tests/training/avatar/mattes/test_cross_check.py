"""Every case of two answers to one pixel."""

import numpy as np
import pytest

from mien_training.avatar.mattes.cross_check import cross_checked
from mien_training.avatar.mattes.net_mattes import NetMattes
from mien_training.avatar.mattes.plate import PlateMattes


def checked(ours, ours_known, theirs, theirs_known):
    """Of one pixel: alpha and whether it is known."""
    plate = np.zeros((1, 1, 3), np.uint8)

    def maps(alpha, known):
        return np.full((1, 1, 1), alpha, np.uint8), np.full((1, 1, 1), known)

    found = cross_checked(
        NetMattes(*maps(ours, ours_known)), PlateMattes(plate, *maps(theirs, theirs_known), True)
    )
    return int(found.alpha[0, 0, 0]), bool(found.known[0, 0, 0])


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("alpha", [0, 100, 255])
def test_a_plate_that_knows_nothing_changes_nothing(alpha, known):
    for theirs in (0, 255):
        assert checked(alpha, known, theirs, False) == (alpha, known)


@pytest.mark.parametrize(
    ("ours", "known", "theirs", "wanted"),
    [
        (120, False, 0, (0, True)),  # the wall is seen there
        (10, False, 0, (0, True)),
        (120, True, 255, (120, True)),  # the plate counts half as whole
        (120, False, 255, (120, False)),
        (0, True, 255, (0, False)),  # something is there that the net takes for background
        (255, True, 0, (255, False)),  # hair of the wall's colour
        (255, True, 255, (255, True)),
    ],
)
def test_what_a_plate_knows(ours, known, theirs, wanted):
    assert checked(ours, known, theirs, True) == wanted
