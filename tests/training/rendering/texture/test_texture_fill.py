"""Unknown texels take the colour of known ones nearby; known ones stay."""

import numpy as np

from mien_training.rendering.texture.texture_fill import fill_unknown


def test_known_texels_stay_and_the_rest_is_between_them():
    rng = np.random.default_rng(0)
    values, known = rng.random((48, 48, 3)), rng.random((48, 48)) < 0.05
    filled = fill_unknown(values, known)
    np.testing.assert_array_equal(filled[known], values[known].astype(np.float32))
    assert filled.min() >= values[known].min() - 1e-6
    assert filled.max() <= values[known].max() + 1e-6


def test_the_nearest_known_colour_wins():
    values, known = np.zeros((64, 64, 3)), np.zeros((64, 64), bool)
    values[:, :8], values[:, 56:] = 0.2, 0.9
    known[:, :8] = known[:, 56:] = True
    filled = fill_unknown(values, known)
    assert abs(filled[30, 12] - 0.2).max() < 0.02 and abs(filled[30, 51] - 0.9).max() < 0.02


def test_one_known_texel_colours_all_and_none_nothing():
    values, known = np.full((32, 32, 3), 0.7), np.zeros((32, 32), bool)
    assert not fill_unknown(values, known).any()
    known[3, 30] = True
    np.testing.assert_allclose(fill_unknown(values, known), 0.7, atol=1e-5)


def test_a_linear_map():
    rng = np.random.default_rng(1)
    a, b, known = rng.random((20, 20, 2)), rng.random((20, 20, 2)), rng.random((20, 20)) < 0.2
    both = fill_unknown(a + 2 * b, known)
    apart = fill_unknown(a, known) + 2 * fill_unknown(b, known)
    np.testing.assert_allclose(both, apart, atol=1e-5)
