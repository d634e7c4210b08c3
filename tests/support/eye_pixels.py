"""How much of the eyeballs is seen from in front."""

import numpy as np
import torch

from mien_training.cameras import look_at_camera
from mien_training.cameras.camera import clip_from_camera
from mien_training.head import MATERIALS
from mien_training.rendering.visibility import rasterize

__all__ = ["eye_pixels"]


def eye_pixels(template, vertices, side=160):
    """Pixels of a tenth of a metre by `side` that show an eyeball to a camera in front."""
    target = np.mean([joint.position for joint in template.joints[-2:]], axis=0)
    camera = look_at_camera(target + [0, 0, 1], target, 2 * np.arctan(0.05), side, side)
    points = np.c_[vertices, np.ones(len(vertices))]
    clip = points @ (clip_from_camera(camera) @ camera.camera_from_world).T
    triangles = torch.from_numpy(template.triangles)
    out = rasterize(torch.tensor(clip[None], dtype=torch.float32), triangles, (side, side))
    seen = out.tri_id.numpy()
    eye = template.triangle_material == MATERIALS.index("eye")
    return int((eye[seen] & (seen >= 0)).sum())
