"""A face with nothing behind its lips, and a cup."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed (extra `train`)")


@pytest.fixture(scope="session")
def bare_face(anny):
    """Skin and eyes alone, with a hole between the lips."""
    kept = anny.triangle_material <= 1
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    landmarks = replace(anny.landmarks, triangle=number[anny.landmarks.triangle].astype(np.int32))
    return replace(
        anny, name="bare", triangles=anny.triangles[kept], uv_triangles=anny.uv_triangles[kept],
        triangle_material=anny.triangle_material[kept], landmarks=landmarks,
    )  # fmt: skip


@pytest.fixture(scope="session")
def cup():
    """Vertices (V, 3) and triangles of a deep cup, open below, with a hole in its front."""
    rows, columns = 14, 24
    height, angle = np.meshgrid(np.linspace(0, 1, rows), 2 * np.pi * np.arange(columns) / columns,
                                indexing="ij")  # fmt: skip
    wide = np.sqrt(np.maximum(1 - height**4, 0.02))
    ring = np.stack([0.5 * wide * np.sin(angle), height, 0.5 * wide * np.cos(angle)], -1)
    vertices = np.concatenate([ring.reshape(-1, 3), [[0, 1.01, 0]]])
    at = np.arange(rows * columns).reshape(rows, columns)
    a, d = at[:-1], at[1:]
    b, c = np.roll(a, -1, 1), np.roll(d, -1, 1)
    quads = np.stack([a, b, c, d], -1).reshape(-1, 4)
    hole = np.linalg.norm(vertices[quads].mean(1) - (0, 0.5, 0.5), axis=1) < 0.13
    quads = quads[~hole]
    top = np.stack([at[-1], np.roll(at[-1], -1), np.full(columns, len(vertices) - 1)], 1)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]], top])
    return vertices, triangles.astype(np.int32)
