"""Meshes come apart into discs: balls cut behind, bags slit open where it hurts least."""

import numpy as np

from mien_training.avatar.anchors.layout.pieces import cut_into_discs
from mien_training.avatar.anchors.layout.topology import rims


def check(pieces, triangles):
    ids = np.sort(np.concatenate([piece.triangles for piece in pieces]))
    np.testing.assert_array_equal(ids, np.arange(len(triangles)))
    for piece in pieces:
        np.testing.assert_array_equal(piece.source[piece.corners], triangles[piece.triangles])
        sides = np.sort(np.stack([piece.corners, np.roll(piece.corners, -1, 1)], -1), -1)
        edges = len(np.unique(sides.reshape(-1, 2), axis=0))
        holes = len(rims(piece.corners))
        assert holes and len(piece.source) - edges + len(piece.triangles) + holes == 2


def test_a_ball_is_cut_at_its_far_side(sphere):
    vertices, triangles, _, _ = sphere(12, 18)
    towards = np.tile([0.0, 0.0, 1.0], (len(triangles), 1))
    pieces = cut_into_discs(
        vertices.astype(np.float64), triangles, np.ones(len(triangles)), towards
    )
    check(pieces, triangles)
    assert len(pieces) == 2
    front, back = sorted(pieces, key=lambda p: -len(p.triangles))
    depth = vertices[triangles][:, :, 2].mean(1)
    assert depth[front.triangles].min() > -0.7 and depth[back.triangles].max() < -0.1


def test_a_cup_is_slit_away_from_what_matters(cup):
    vertices, triangles = cup
    front = vertices[triangles][:, :, 2].mean(1) > 0
    worth = np.where(front, 5.0, 1.0)
    pieces = cut_into_discs(vertices, triangles, worth, np.zeros((len(triangles), 3)))
    check(pieces, triangles)
    (piece,) = pieces
    twice = np.bincount(piece.source, minlength=len(vertices)) > 1
    assert twice.any() and vertices[twice, 2].max() < 0.1
    assert len(rims(piece.corners)) == 2  # the hole in front is still one


def test_a_ring_becomes_discs():
    """A torus: no rim, and not a ball either."""
    n, m = 16, 10
    u, v = np.meshgrid(2 * np.pi * np.arange(n) / n, 2 * np.pi * np.arange(m) / m, indexing="ij")
    wide = 1 + 0.3 * np.cos(v)
    vertices = np.stack([wide * np.cos(u), wide * np.sin(u), 0.3 * np.sin(v)], -1).reshape(-1, 3)
    at = np.arange(n * m).reshape(n, m)
    a, b = at, np.roll(at, -1, 0)
    c, d = np.roll(b, -1, 1), np.roll(at, -1, 1)
    triangles = np.concatenate([
        np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)
    ]).astype(np.int32)  # fmt: skip
    pieces = cut_into_discs(
        vertices, triangles, np.ones(len(triangles)), np.zeros((len(triangles), 3))
    )
    check(pieces, triangles)
