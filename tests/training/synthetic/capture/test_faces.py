"""Faces are of few shapes or of the repertoire; heads turn as far as asked."""

from dataclasses import replace

import numpy as np
import pytest

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.synthetic.capture.faces import FaceSpec, draw_face
from mien_training.synthetic.repertoire import EXPRESSIONS


def test_few_shapes_or_an_expression():
    active = [int((draw_face(FaceSpec(expressions=0.0), s).weights > 0).sum()) for s in range(200)]
    assert set(active) == {0, 1, 2, 3, 4, 5}
    names = {frozenset(ranges) for ranges in EXPRESSIONS.values()}
    for seed in range(50):
        weights = draw_face(FaceSpec(expressions=1.0), seed).weights
        assert weights.min() >= 0 and weights.max() <= 1
        found = {ARKIT_CHANNELS[i] for i in np.flatnonzero(weights)}
        assert any(found <= expression for expression in names)


def test_heads_turn_as_far_as_asked():
    angles = np.degrees([draw_face(FaceSpec(), seed).angles for seed in range(600)])
    np.testing.assert_allclose(angles.std(0), (20, 11, 7), rtol=0.15)
    assert (np.abs(angles) <= 2.5 * np.array([20, 11, 7]) + 1e-9).all()


def test_a_face_is_a_function_of_its_seed():
    one, same, other = (draw_face(FaceSpec(), seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.weights, same.weights)
    np.testing.assert_array_equal(one.angles, same.angles)
    assert not np.array_equal(one.angles, other.angles)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"most_shapes": -1}, "most_shapes"),
        ({"expressions": 1.5}, "expressions"),
        ({"angles_deg": (20.0, 11.0)}, "angles_deg"),
        ({"angles_deg": (20.0, 11.0, float("nan"))}, "angles_deg"),
    ],
)
def test_values_out_of_range_are_refused(changes, field):
    with pytest.raises(InputError, match=field):
        replace(FaceSpec(), **changes)
