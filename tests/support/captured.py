"""Captured meshes of a few vertices that turn and move."""

import numpy as np
from scipy.spatial.transform import Rotation

from mien_training.cameras.lens import Lens, LensCamera
from mien_training.footage.captured import CameraResiduals, CapturedMeshes
from support.sightings import rig, seen_by


def captured_meshes(
    moments: int, vertices: int, failure: tuple[str, ...] | None = None
) -> CapturedMeshes:
    rng = np.random.default_rng(0)
    pose = np.tile(np.eye(4), (moments, 1, 1))
    pose[:, :3, :3] = Rotation.random(moments, rng).as_matrix()
    pose[:, :3, 3] = rng.normal(0, 0.1, (moments, 3))
    return CapturedMeshes(
        template="anny", topology_sha256="0" * 64, frame=np.arange(moments),
        time_s=np.arange(moments) / 30,
        vertices=rng.normal(0, 0.1, (moments, vertices, 3)).astype(np.float32),
        world_from_head=pose, confidence=np.ones((moments, vertices), np.float16),
        views=np.full((moments, vertices), 4, np.uint8),
        spread_m=np.full((moments, vertices), 1e-3, np.float16),
        failure=failure or ("",) * moments,
    )  # fmt: skip


def camera_residuals(moments: int = 3, lens: bool = False, noise_m: float = 0.0) -> CameraResiduals:
    """Four cameras that saw the same 24 places; `lens`: the first has distortion beyond k1, k2."""
    cameras = rig(4)
    seen = seen_by(cameras, cameras, moments, noise_m=noise_m)
    if lens:
        first = cameras[0]
        bent = LensCamera(
            first.K, first.camera_from_world, first.width, first.height, lens=Lens(p1=0.01)
        )
        cameras = (bent, *cameras[1:])
    return CameraResiduals(
        names=("a.mp4", "b.mp4", "c.mp4", "d.mp4"), cameras=cameras,
        time_s=np.arange(moments) / 30, moment=seen.moment[seen.point].astype(np.int32),
        camera=seen.camera.astype(np.int32), vertex=(seen.point % 24).astype(np.int32),
        pixel=seen.pixel.astype(np.float32), point=seen.points[seen.point].astype(np.float32),
        certainty=seen.weight.astype(np.float32),
    )  # fmt: skip
