"""The model of seeded people holds them, and their faces' shapes as the template has them."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.morphable import sampled_heads


def test_the_first_are_people_and_the_rest_shapes(heads, anny):
    assert len(heads.basis) <= 16 + len(anny.shape_names)
    jaw = anny.shape_deltas[anny.shape_names.index("jawOpen")]
    assert any(np.array_equal(b, jaw) for b in heads.basis[16:])
    assert (heads.variances[16:] <= 1).all()
    off = np.linalg.norm(heads.mean - anny.vertices, axis=1)[anny.regions["skin"]]
    assert 0 < off.mean() < 0.006  # metres: two dozen people average to the mean head, nearly


def test_people_repeat_and_one_is_not_enough(anny):
    a, b = (sampled_heads(anny, [3, 4, 9], 4) for _ in range(2))
    np.testing.assert_array_equal(a.basis, b.basis)
    assert len(a.variances) == len(a.basis) and (a.basis[:2] != 0).any((1, 2)).all()
    with pytest.raises(InputError, match="at least 2"):
        sampled_heads(anny, [1])
