"""A small head: a sphere with a UV seam, a few shapes and the five joints."""

from collections.abc import Sequence

import numpy as np

from mien.deform import vertex_normals
from mien.rig import Joint, Material, Rig

SMALL_SHAPES = (
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookInLeft", "eyeLookOutLeft", "jawOpen",
    "mouthSmileLeft", "mouthSmileRight", "browInnerUp",
)  # fmt: skip


def small_rig(
    shape_names: Sequence[str] = SMALL_SHAPES, rings: int = 9, columns: int = 12, seed: int = 0
) -> Rig:
    """A sphere of 10 cm radius, 15 cm above the root, whose first and last columns coincide."""
    rng = np.random.default_rng(seed)
    polar, turn = np.meshgrid(
        np.linspace(0.2, np.pi - 0.2, rings), np.linspace(0, 2 * np.pi, columns + 1), indexing="ij"
    )
    unit = np.stack(
        [np.sin(polar) * np.sin(turn), np.cos(polar), np.sin(polar) * np.cos(turn)], axis=-1
    )
    unit[:, -1] = unit[:, 0]
    vertices = (0.1 * unit + [0, 0.15, 0]).reshape(-1, 3).astype(np.float32)
    uvs = np.stack([turn / (2 * np.pi), polar / np.pi], axis=-1).reshape(-1, 2)
    at = np.arange(rings * (columns + 1)).reshape(rings, columns + 1)
    a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    quads = np.stack([a, b, c, d], axis=-1).reshape(-1, 4)
    triangles = np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]]).astype(np.int32)

    deltas = rng.normal(0, 0.004, (len(shape_names), rings, columns + 1, 3))
    deltas *= rng.random((len(shape_names), rings, columns + 1, 1)) < 0.4  # shapes are local
    deltas[:, :, -1] = deltas[:, :, 0]
    height = np.clip((vertices[:, 1] - 0.05) / 0.2, 0, 1)
    joint_weights = np.stack(
        [0.2 * (1 - height), 0.8 * (1 - height), height, np.zeros_like(height)], axis=1
    )
    welded = at.copy()
    welded[:, -1] = at[:, 0]
    return Rig(
        name="small",
        vertices=vertices,
        normals=vertex_normals(vertices, triangles, welded.ravel().astype(np.int32)),
        uvs=uvs.astype(np.float32),
        triangles=triangles,
        triangle_material=np.zeros(len(triangles), np.int32),
        materials=(Material("skin", color=(0.8, 0.6, 0.5)),),
        shape_names=tuple(shape_names),
        shape_deltas=deltas.reshape(len(shape_names), -1, 3).astype(np.float32),
        joints=(
            Joint("head_root", -1, (0.0, 0.0, 0.0)),
            Joint("neck", 0, (0.0, 0.02, 0.0)),
            Joint("head", 1, (0.0, 0.08, 0.0)),
            Joint("leftEye", 2, (0.03, 0.17, 0.08)),
            Joint("rightEye", 2, (-0.03, 0.17, 0.08)),
        ),
        joint_indices=np.tile(np.array([0, 1, 2, 0], np.uint8), (len(vertices), 1)),
        joint_weights=joint_weights.astype(np.float32),
    )
