"""Strong expressions are ARKit's shapes, even on both sides, as far as a rig has them."""

import numpy as np
import pytest
from support.small_rig import SMALL_SHAPES, small_rig

from mien.channels import ARKIT_CHANNELS
from mien_training.head.strong_expressions import EXPRESSIONS, full_on


def test_they_are_shapes_and_mirror_themselves():
    for names in EXPRESSIONS:
        assert set(names) <= set(ARKIT_CHANNELS) and len(set(names)) == len(names)
        sides = [name for name in names if name.endswith(("Left", "Right"))]
        swapped = {n[:-4] + "Right" if n.endswith("Left") else n[:-5] + "Left" for n in sides}
        assert swapped == set(sides)
    assert len(set(EXPRESSIONS)) == len(EXPRESSIONS)


def test_each_shape_is_on_alone_too():
    rig = small_rig()
    weights = full_on(rig)
    assert weights.shape == (len(EXPRESSIONS) + len(SMALL_SHAPES), len(SMALL_SHAPES))
    assert weights.dtype == np.float32 and set(np.unique(weights)) == {0, 1}
    np.testing.assert_array_equal(weights[len(EXPRESSIONS) :], np.eye(len(SMALL_SHAPES)))


@pytest.mark.parametrize("names", EXPRESSIONS)
def test_shapes_that_a_rig_lacks_are_left_out(names):
    row = full_on(small_rig())[EXPRESSIONS.index(names)]
    assert {SMALL_SHAPES[k] for k in np.flatnonzero(row)} == set(names) & set(SMALL_SHAPES)
