"""Centres decide; small triangles that are wanted take a texel that can be spared."""

import numpy as np

from mien_training.avatar.anchors.owners import give_texels

PLACES = np.array(
    [
        [[0, 0], [1, 1], [1, 0]],
        [[0, 0], [0, 1], [1, 1]],
        [[0.52, 0.52], [0.53, 0.53], [0.53, 0.52]],
    ],
    np.float32,
)
OWNER = np.where(np.add.outer(-np.arange(8), np.arange(8)) > 0, 0, 1).ravel().astype(np.int32)


def test_centres_decide():
    owner, bary = give_texels(OWNER, PLACES, np.zeros(3, np.bool_), 8)
    np.testing.assert_array_equal(owner, OWNER)
    np.testing.assert_allclose(bary.sum(1), 1, atol=1e-6)
    place = (PLACES[owner] * bary[..., None]).sum(1)
    centre = (np.stack([np.arange(64) % 8, np.arange(64) // 8], 1) + 0.5) / 8
    np.testing.assert_allclose(place, centre, atol=1e-6)


def test_a_small_triangle_takes_the_nearest_texel():
    owner, bary = give_texels(OWNER, PLACES, np.ones(3, np.bool_), 8)
    taken = np.flatnonzero(owner == 2)
    assert taken.tolist() == [4 * 8 + 4]
    assert (owner != OWNER).sum() == 1
    assert bary[taken].min() >= 0
    np.testing.assert_allclose(bary[taken].sum(), 1, atol=1e-6)


def test_too_coarse_an_atlas_is_left_as_it_is():
    many = np.concatenate([PLACES, np.repeat(PLACES[2:], 60, 0)])
    owner, _ = give_texels(OWNER, many, np.ones(len(many), np.bool_), 8)
    np.testing.assert_array_equal(owner, OWNER)
