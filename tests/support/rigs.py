"""A small head for tests: a UV sphere with a seam, three shapes, two materials, five joints."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from mien.deform import vertex_normals
from mien.rig import JOINT_NAMES, Joint, Material, Rig

RADIUS_M = 0.1
CENTRE_M = np.array([0.0, 0.15, 0.02])


def sphere_rig(rows: int = 12, columns: int = 16, name: str = "sphere", seed: int = 0) -> Rig:
    """(rows - 1) * (columns + 1) + 2 * columns vertices; the seam and the poles are split.

    jawOpen moves the lower third (sparse in a GLB), mouthSmileLeft a patch, browInnerUp nearly
    everything (dense). The lower half is skin with a texture, the upper half plain.
    """
    rng = np.random.default_rng(seed)
    theta = np.linspace(0, np.pi, rows + 1)
    phi = np.linspace(0, 2 * np.pi, columns + 1)
    t, p = (grid.ravel() for grid in np.meshgrid(theta, phi, indexing="ij"))
    p_exact = np.where(np.isclose(p, 2 * np.pi), 0.0, p)  # both sides of the seam coincide exactly
    unit = np.stack([np.sin(t) * np.sin(p_exact), np.cos(t), np.sin(t) * np.cos(p_exact)], axis=1)
    unit[np.isclose(t, np.pi)] = (0, -1, 0)
    unit[t == 0] = (0, 1, 0)
    vertices = (CENTRE_M + RADIUS_M * unit).astype(np.float32)
    uvs = np.stack([p / (2 * np.pi), t / np.pi], axis=1).astype(np.float32)
    quads = [
        (r * (columns + 1) + c, (r + 1) * (columns + 1) + c)
        for r in range(rows)
        for c in range(columns)
    ]
    triangles = np.array(
        [tri for a, b in quads for tri in ((a, b, b + 1), (a, b + 1, a + 1))], np.int32
    )
    corners = vertices[triangles]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    triangles = triangles[area > 1e-9]
    lower = vertices[triangles][:, :, 1].mean(axis=1) < CENTRE_M[1]
    shapes = np.zeros((3, len(vertices), 3), np.float32)
    shapes[0, unit[:, 1] < -0.5] = (0, -0.01, 0.002)
    shapes[1, (unit[:, 0] > 0.4) & (unit[:, 2] > 0.4)] = (0.004, 0.006, 0)
    shapes[2] = 0.003 * np.maximum(unit[:, 1:2] + 0.9, 0) * (0, 1, 0.3)
    positions = ((0, 0, 0), (0, 0.02, -0.01), (0, 0.09, 0), (0.03, 0.17, 0.09), (-0.03, 0.17, 0.09))
    joint_indices = np.zeros((len(vertices), 4), np.uint8)
    joint_indices[:, 0] = JOINT_NAMES.index("neck")
    joint_indices[:, 1] = JOINT_NAMES.index("head")
    share = np.clip((unit[:, 1] + 1) * 0.6, 0, 1).astype(np.float32)
    joint_weights = np.zeros((len(vertices), 4), np.float32)
    joint_weights[:, 0], joint_weights[:, 1] = 1 - share, share
    joint_indices[joint_weights == 0] = 0
    rig = Rig(
        name=name,
        vertices=vertices,
        normals=np.zeros_like(vertices),
        uvs=uvs,
        triangles=triangles,
        triangle_material=np.where(lower, 0, 1).astype(np.int32),
        materials=(
            Material("skin", rng.integers(0, 256, (8, 8, 3), np.uint8), roughness=0.6),
            Material("cap", color=(0.2, 0.1, 0.05), roughness=0.9),
        ),
        shape_names=("jawOpen", "mouthSmileLeft", "browInnerUp"),
        shape_deltas=shapes,
        joints=tuple(
            Joint(n, parent, xyz)
            for n, parent, xyz in zip(JOINT_NAMES, (-1, 0, 1, 2, 2), positions, strict=True)
        ),
        joint_indices=joint_indices,
        joint_weights=joint_weights,
    )
    rig.normals[:] = vertex_normals(rig.vertices, rig.triangles, rig.welded)
    return rig


ARRAYS = (
    "vertices", "normals", "uvs", "triangles", "triangle_material",
    "shape_deltas", "joint_indices", "joint_weights",
)  # fmt: skip


def json_of(glb: bytes) -> dict[str, Any]:
    """The JSON chunk of a GLB."""
    (length,) = struct.unpack_from("<I", glb, 12)
    return dict(json.loads(glb[20 : 20 + length]))


def assert_same(a: Rig, b: Rig) -> None:
    """Bit for bit, all but the name."""
    for field in ARRAYS:
        x, y = getattr(a, field), getattr(b, field)
        assert x.dtype == y.dtype and x.shape == y.shape, field
        assert x.tobytes() == y.tobytes(), field
    assert a.shape_names == b.shape_names
    assert a.joints == b.joints
    for m, n in zip(a.materials, b.materials, strict=True):
        assert (m.name, m.color, m.roughness) == (n.name, n.color, n.roughness)
        assert (m.base_color is None) == (n.base_color is None)
        if m.base_color is not None and n.base_color is not None:
            np.testing.assert_array_equal(m.base_color, n.base_color)
