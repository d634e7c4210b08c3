"""Captured meshes of a few vertices that turn and move."""

import numpy as np
from scipy.spatial.transform import Rotation

from mien_training.footage.captured import CapturedMeshes


def captured_meshes(
    moments: int, vertices: int, failure: tuple[str, ...] | None = None
) -> CapturedMeshes:
    rng = np.random.default_rng(0)
    pose = np.tile(np.eye(4), (moments, 1, 1))
    pose[:, :3, :3] = Rotation.random(moments, rng).as_matrix()
    pose[:, :3, 3] = rng.normal(0, 0.1, (moments, 3))
    return CapturedMeshes(
        template="anny", template_sha256="0" * 64, frame=np.arange(moments),
        time_s=np.arange(moments) / 30,
        vertices=rng.normal(0, 0.1, (moments, vertices, 3)).astype(np.float32),
        world_from_head=pose, confidence=np.ones((moments, vertices), np.float16),
        views=np.full((moments, vertices), 4, np.uint8),
        spread_m=np.full((moments, vertices), 1e-3, np.float16),
        failure=failure or ("",) * moments,
    )  # fmt: skip
