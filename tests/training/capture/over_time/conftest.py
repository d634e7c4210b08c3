"""A small head that turns, nods and opens its mouth, and what smoothing knows of its mesh."""

import numpy as np
import pytest
from scipy.sparse import eye_array
from scipy.spatial.transform import Rotation

from mien_training.capture.over_time import TakeSmoother
from mien_training.capture.over_time.shape_filter import SmoothedMesh
from mien_training.footage.captured import CapturedMeshes

SKULL, COUNT = 20, 32


@pytest.fixture
def smoother():
    quick = np.zeros(COUNT, bool)
    quick[-4:] = True
    mesh = SmoothedMesh(eye_array(COUNT, format="csr"), quick)
    return TakeSmoother(mesh, np.arange(SKULL), np.linspace(0.2, 1, SKULL))


@pytest.fixture
def make_take():
    """Call with moments, noise in metres, and how fast it turns, radians a second."""

    def make(moments=24, noise_m=0.0, speed=0.5, mouth_m=0.01, failure=None, times=None):
        rng = np.random.default_rng(3)
        rest = rng.normal(0, 0.08, (COUNT, 3))
        times = np.arange(moments) / 30 if times is None else np.asarray(times, float)
        shape = np.tile(rest, (moments, 1, 1))
        shape[:, SKULL:, 1] -= mouth_m * np.sin(6 * times)[:, None]
        pose = np.tile(np.eye(4), (moments, 1, 1))
        turn = np.stack([0.3 * times, times, -0.2 * times], 1) * speed
        pose[:, :3, :3] = Rotation.from_rotvec(turn).as_matrix()
        pose[:, :3, 3] = 0.2 * speed * times[:, None] * [1, 0.2, 0] + [0.1, 1.5, 0.3]
        world = shape @ pose[:, :3, :3].transpose(0, 2, 1) + pose[:, None, :3, 3]
        return CapturedMeshes(
            template="small", topology_sha256="0" * 64, frame=np.arange(moments), time_s=times,
            vertices=(world + noise_m * rng.standard_normal(world.shape)).astype(np.float32),
            world_from_head=pose, confidence=np.ones((moments, COUNT), np.float16),
            views=np.full((moments, COUNT), 4, np.uint8),
            spread_m=np.full((moments, COUNT), 1e-3, np.float16),
            failure=failure or ("",) * moments,
        )  # fmt: skip

    return make
