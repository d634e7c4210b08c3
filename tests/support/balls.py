"""Shapes with known insides."""

import numpy as np


def make_ball(rings=12, centre=(0.0, 0.0, 0.0), radius=1.0):
    """vertices, triangles of a closed sphere, outward counter-clockwise."""
    theta = np.pi * np.arange(1, rings) / rings
    phi = 2 * np.pi * np.arange(2 * rings) / (2 * rings)
    t, p = np.meshgrid(theta, phi, indexing="ij")
    ring = np.stack([np.sin(t) * np.sin(p), np.cos(t), np.sin(t) * np.cos(p)], -1).reshape(-1, 3)
    vertices = np.concatenate([[[0, 1, 0]], ring, [[0, -1, 0]]])
    n, last = 2 * rings, len(vertices) - 1
    index = 1 + np.arange((rings - 1) * n).reshape(rings - 1, n)
    following = np.roll(index, -1, axis=1)
    a, b = index[:-1].reshape(-1), index[1:].reshape(-1)
    c, d = following[1:].reshape(-1), following[:-1].reshape(-1)
    caps = [
        np.stack([np.zeros(n, int), index[0], following[0]], 1),
        np.stack([np.full(n, last), following[-1], index[-1]], 1),
    ]
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1), *caps])
    return np.asarray(centre) + radius * vertices, triangles


def join(*meshes):
    """One mesh of several."""
    starts = np.cumsum([0] + [len(v) for v, _ in meshes])
    return (
        np.concatenate([v for v, _ in meshes]),
        np.concatenate([f + s for (_, f), s in zip(meshes, starts, strict=False)]),
    )
