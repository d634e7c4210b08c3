"""The size of a shape: the template's, unless a moment shows more."""

import numpy as np

from mien_training.rig.from_meshes.shape_size import shape_sizes


def test_shapes_get_the_templates_size_whatever_theirs_was():
    rng = np.random.default_rng(0)
    template = rng.normal(size=(3, 20, 3))
    own = template + 0.1 * rng.normal(size=template.shape)
    weights = rng.uniform(0, 0.4, (9, 3))
    sizes = []
    for factor in (1.0, 1.3):
        size = shape_sizes(weights / factor, factor * own, template)
        shown = factor * own / size[:, None, None]
        along = np.einsum("kvx,kvx->k", shown, template) / np.square(template).sum((1, 2))
        np.testing.assert_allclose(along, 1)
        sizes.append(shown)
    np.testing.assert_allclose(*sizes)


def test_weights_stay_within_0_and_1_and_what_was_seen_stays_the_same():
    template = np.ones((2, 4, 3))
    deltas, weights = 1.5 * template, np.array([[0.9, 0.2], [0.1, 0.0]])
    size = shape_sizes(weights, deltas, template)
    np.testing.assert_allclose(size, [1 / 0.9, 1.5])
    assert (weights * size).max() <= 1
    np.testing.assert_allclose(
        (weights * size) @ (deltas / size[:, None, None])[:, 0], weights @ deltas[:, 0]
    )


def test_shapes_that_do_not_move_keep_their_size():
    none = np.zeros((1, 5, 3))
    np.testing.assert_array_equal(shape_sizes(np.zeros((2, 1)), none, none), 1)
