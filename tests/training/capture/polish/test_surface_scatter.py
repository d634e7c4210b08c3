"""Places lie evenly on a surface, and patches of them only judge."""

import numpy as np

from mien_training.capture.polish.surface_scatter import held_out_places, scatter_places

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 3, 0], [0, 3, 0]], np.float64)
HALVES = np.array([[0, 1, 2], [0, 2, 3]])


def test_one_place_for_each_square_of_the_surface():
    triangle, share = scatter_places(SQUARE, HALVES, 0.1, 0)
    assert abs(len(triangle) - 300) <= 1 and abs(int((triangle == 0).sum()) - 150) <= 1
    assert (share >= 0).all() and np.allclose(share.sum(1), 1, atol=1e-6)
    at = np.einsum("pc,pcx->px", share.numpy(), SQUARE[HALVES[triangle.numpy()]])
    thirds = np.histogram(at[:, 1], [0, 1, 2, 3])[0]
    assert (abs(thirds - 100) < 30).all()
    again = scatter_places(SQUARE, HALVES, 0.1, 0)
    assert (again[0] == triangle).all() and (again[1] == share).all()
    assert not (scatter_places(SQUARE, HALVES, 0.1, 1)[1] == share).all()


def test_patches_are_held_out_whole():
    rng = np.random.default_rng(0)
    at = rng.uniform(-0.1, 0.1, (20_000, 3))
    held = held_out_places(at, 0.2)
    assert 0.17 < held.mean() < 0.23
    cell = np.unique(np.floor(at / 0.006).astype(int), axis=0, return_inverse=True)[1].ravel()
    count = np.bincount(cell)
    assert set(np.bincount(cell, held) / count) == {0.0, 1.0}
