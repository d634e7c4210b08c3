"""A cup with a hole lies flat in its rectangle: no folds, the areas asked for, upright."""

import numpy as np
import pytest

from mien_training.avatar.anchors.layout.flatten import flatten
from mien_training.avatar.anchors.layout.pieces import cut_into_discs


def areas(p):
    e = p[:, 1:] - p[:, :1]
    return 0.5 * (e[:, 0, 0] * e[:, 1, 1] - e[:, 0, 1] * e[:, 1, 0])


@pytest.fixture(scope="module")
def piece(cup):
    vertices, triangles = cup
    front = vertices[triangles][:, :, 2].mean(1) > 0
    return cut_into_discs(
        vertices, triangles, np.where(front, 4.0, 1.0), np.zeros((len(triangles), 3))
    )[0]


@pytest.mark.parametrize("size", [(0.5, 0.5), (0.3, 0.6)])
def test_a_cup_lies_flat(cup, piece, size):
    vertices, triangles = cup
    p = vertices[triangles[piece.triangles]]
    true = 0.5 * np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
    front = p[:, :, 2].mean(1) > 0
    wanted = true * np.where(front, 3.0, 1.0)
    flat = flatten(vertices[piece.source], piece.corners, wanted, size, 0.002)
    found = areas(flat[piece.corners])
    assert found.min() > 0  # no folds
    assert (flat >= 0).all() and (flat <= size).all()
    assert found.sum() > 0.6 * size[0] * size[1]
    gain = (found[front].sum() / true[front].sum()) / (found[~front].sum() / true[~front].sum())
    assert 2 < gain < 4.5
    # Upright: what is higher in space is higher on the atlas, in front.
    height = vertices[piece.source][:, 1]
    forward = vertices[piece.source][:, 2] > 0.2
    assert np.corrcoef(height[forward], flat[forward, 1])[0, 1] > 0.9
    across = vertices[piece.source][:, 0]
    assert np.corrcoef(across[forward], flat[forward, 0])[0, 1] > 0.9


def test_a_single_triangle_and_slivers_are_no_trouble():
    points = np.array([[0, 0, 0], [1, 0, 0], [0.5, 1e-9, 0], [0.5, -1, 0]], np.float64)
    flat = flatten(points[:3], np.array([[0, 1, 2]]), np.ones(1), (1, 1), 0.02)
    assert areas(flat[None])[0] > 0
    flat = flatten(points, np.array([[0, 1, 2], [1, 0, 3]]), np.ones(2), (1, 1), 0.02)
    assert areas(flat[np.array([[0, 1, 2], [1, 0, 3]])]).min() > 0
