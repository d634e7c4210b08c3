"""Sets of landmarks are of the mesh they name, mirror each other, and lie where they say."""

import numpy as np
import pytest

from mien.tracker.canonical import canonical_vertices
from mien.tracker.landmark_sets import BLENDSHAPE_POINTS
from mien_training.head import landmark_sets as sets

OUTLINES = (sets.FACE_OVAL, sets.OUTER_LIPS, sets.INNER_LIPS, *sets.LID_OUTLINES, *sets.BROWS)


def partner(index: int) -> int:
    """The point at the mirrored place of the canonical face."""
    face = canonical_vertices()
    away = np.linalg.norm(face - face[index] * [-1, 1, 1], axis=1)
    assert away.min() < 1e-3
    return int(away.argmin())


@pytest.mark.parametrize("outline", OUTLINES)
def test_an_outline_names_each_point_once_and_does_not_cross_itself(outline):
    assert len(set(outline)) == len(outline) and max(outline) < sets.SKIN_LANDMARK_COUNT
    places = canonical_vertices()[list(outline)]
    steps = np.linalg.norm(np.diff(places, axis=0, append=places[:1]), axis=1)
    assert steps.max() < 3.2 * np.median(steps)


@pytest.mark.parametrize("pair", [sets.LID_OUTLINES, sets.BROWS])
def test_left_is_the_characters_and_mirrors_right(pair):
    left, right = pair
    face = canonical_vertices()
    assert face[list(left), 0].min() > 0 > face[list(right), 0].max()
    assert {partner(i) for i in left} == set(right)


@pytest.mark.parametrize("whole", [sets.FACE_OVAL, sets.LIP_POINTS, sets.NOSE_BASE])
def test_sets_of_the_middle_mirror_themselves(whole):
    assert {partner(i) for i in whole} == set(whole)


def test_upper_points_are_above_lower_ones_across_the_same_gap():
    face = canonical_vertices()
    pairs = [*sets.INNER_LIP_PAIRS, *sets.LID_PAIRS["Left"], *sets.LID_PAIRS["Right"]]
    for upper, lower in pairs:
        step = face[upper] - face[lower]
        assert step[1] > 0 and abs(step[0]) < 0.15
    lips = {i for pair in sets.INNER_LIP_PAIRS for i in pair}
    assert lips <= set(sets.INNER_LIP_RIM) <= set(sets.INNER_LIPS)
    for side, (left, right) in enumerate(zip(sets.UPPER_LIDS, sets.LOWER_LIDS, strict=True)):
        name = ("Left", "Right")[side]
        assert {u for u, _ in sets.LID_PAIRS[name]} <= set(left)
        assert {low for _, low in sets.LID_PAIRS[name]} <= set(right)
        assert {left[0], left[-1]} == set(sets.EYE_CORNERS[name])


def test_joined_sets_hold_their_parts():
    assert set(sets.LID_POINTS) == {i for o in sets.LID_OUTLINES for i in o}
    assert set(sets.BROW_POINTS) == {i for o in sets.BROWS for i in o}
    assert len(sets.LID_POINTS) == 32 and len(sets.BROW_POINTS) == 20
    # The score net of the runtime reads the same features, and all points of the irises.
    assert set(sets.LID_POINTS) | set(sets.BROW_POINTS) <= set(BLENDSHAPE_POINTS.tolist())
    irises = {473, 468, *(i for iris in sets.IRISES for i in iris)}  # with their centres
    assert irises == set(range(sets.SKIN_LANDMARK_COUNT, sets.LANDMARK_COUNT))
