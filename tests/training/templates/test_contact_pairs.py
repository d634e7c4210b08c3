"""Upper and lower lips and lids of the default head come apart where a face does."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.templates.contact_pairs import ContactPair, contact_pairs

# MediaPipe face mesh topology: the red of the lips, without the corners.
UPPER_LIP = (191, 80, 81, 82, 13, 312, 311, 310, 415, 37, 0, 267)
LOWER_LIP = (95, 88, 178, 87, 14, 317, 402, 318, 324, 84, 17, 314)


@pytest.fixture(scope="module")
def pairs(anny):
    return {pair.name: pair for pair in contact_pairs(anny)}


def test_names_and_disjoint_masks(anny, pairs):
    assert set(pairs) == {"lips", "teeth", "lidsLeft", "lidsRight", "eyes"}
    for pair in pairs.values():
        assert pair.first.any() and pair.second.any()
        assert not (pair.first & pair.second).any()
        assert pair.first.shape == (len(anny.vertices),)


def test_the_trackers_lip_points_are_on_their_own_side(anny, pairs):
    def nearest_vertices(points):
        triangle = anny.landmarks.triangle[list(points)]
        weight = anny.landmarks.barycentric[list(points)]
        return anny.triangles[triangle, weight.argmax(1)]

    assert pairs["lips"].first[nearest_vertices(UPPER_LIP)].all()
    assert pairs["lips"].second[nearest_vertices(LOWER_LIP)].all()


def test_both_sides_of_the_face_are_split_alike(anny, pairs):
    for left, right in (("lips", "lips"), ("lidsLeft", "lidsRight")):
        for here, there in (
            (pairs[left].first, pairs[right].first),
            (pairs[left].second, pairs[right].second),
        ):
            # Rounding may decide otherwise for a vertex on the margin.
            assert (here[anny.mirror] != there).sum() <= 2


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_a_blink_moves_the_upper_lid_down_to_the_lower_one(anny, pairs, side):
    blink = anny.shape_deltas[anny.shape_names.index(f"eyeBlink{side}")]
    amount = np.linalg.norm(blink, axis=1)
    upper, lower = pairs[f"lids{side}"].first, pairs[f"lids{side}"].second
    assert np.median(amount[upper]) > 0.004 and np.median(amount[lower]) < 0.001
    height = anny.vertices[:, 1]
    assert height[upper].mean() > height[lower].mean() + 0.008
    # Around the middle of the eye, all that faces forward above it is upper, all below lower.
    middle = anny.vertices[
        anny.regions["eyes"]
        & (np.sign(anny.vertices[:, 0]) == np.sign(anny.vertices[upper, 0].mean()))
    ]
    centre = (middle.min(0) + middle.max(0)) / 2
    near = anny.regions["skin"] & (np.abs(anny.vertices[:, 0] - centre[0]) < 0.006)
    near &= (anny.vertices[:, 2] > 0.12) & (np.abs(height - centre[1]) < 0.01)
    assert (upper | lower)[near].all() and near.sum() > 20
    assert np.array_equal(upper[near], height[near] > centre[1])


def test_lips_follow_the_jaw(anny, pairs):
    jaw = anny.shape_deltas[anny.shape_names.index("jawOpen")]
    amount = np.linalg.norm(jaw, axis=1)
    assert amount[pairs["lips"].second].mean() > 3 * amount[pairs["lips"].first].mean()
    assert not pairs["teeth"].first[pairs["teeth"].second].any()
    assert (pairs["teeth"].first | pairs["teeth"].second)[anny.regions["teeth"]].mean() > 0.9


def test_shapes_that_a_template_lacks_leave_out_their_pairs(anny):
    bare = replace(anny, shape_names=(), shape_deltas=anny.shape_deltas[:0])
    assert [pair.name for pair in contact_pairs(bare)] == ["eyes"]
    still = replace(anny, shape_deltas=np.zeros_like(anny.shape_deltas))
    assert [pair.name for pair in contact_pairs(still)] == ["eyes"]
    blind = replace(bare, regions=anny.regions | {"eyes": np.zeros(len(anny.vertices), bool)})
    assert contact_pairs(blind) == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.array([True, False]), np.array([True, False])),
        (np.array([True, False]), np.array([False])),
        (np.array([1, 0]), np.array([0, 1])),
    ],
)
def test_a_pair_is_two_disjoint_masks(first, second):
    with pytest.raises(InputError, match="'lips'"):
        ContactPair("lips", first, second)
