"""A ball before three cameras, with a small plate that hides its top from the first."""

import numpy as np
import pytest

from mien_training.cameras import look_at_camera


def ball(rings=16):
    """(V, 3) and (F, 3): a ball of 10 cm about the origin, seen from outside counter-clockwise."""
    up = np.linspace(0.05, np.pi - 0.05, rings)
    round_ = np.arange(2 * rings) * np.pi / rings
    at = np.stack([np.outer(np.sin(up), np.sin(round_)), np.outer(np.cos(up), np.ones(2 * rings)),
                   np.outer(np.sin(up), np.cos(round_))], -1)  # fmt: skip
    n = 2 * rings
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(n), indexing="ij")
    a, b = i * n + j, i * n + (j + 1) % n
    faces = np.concatenate([np.stack([a, a + n, b], -1).reshape(-1, 3),
                            np.stack([b, a + n, b + n], -1).reshape(-1, 3)])  # fmt: skip
    return 0.1 * at.reshape(-1, 3), faces.astype(np.int32)


@pytest.fixture(scope="session")
def scene():
    vertices, triangles = ball()
    normals = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    cameras = [
        look_at_camera([np.sin(a), 0, np.cos(a)], np.zeros(3), 0.3, 96, 96) for a in (-1, 0, 1)
    ]
    return vertices, normals, triangles, cameras
