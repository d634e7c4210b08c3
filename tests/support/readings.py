"""Readings of a moment as a perfect net would leave them."""

from dataclasses import replace

import numpy as np
import torch

from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.localisation import head_crops
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.visibility import interpolate, rasterize


def perfect_reading(template, moment, start, side=64, features=2):
    """start (V, 3) in head space, of the moment's own pose."""
    pose = moment.world_from_head
    crops = head_crops(moment.cameras, pose, side)
    cells = side // 2
    view = np.stack([crop.camera.camera_from_world @ pose for crop in crops])
    truth = ((moment.vertices - pose[:3, 3]) @ pose[:3, :3]).astype(np.float32)
    reading = MomentReading(
        np.zeros((len(crops), 9 + features, cells, cells), np.float16),
        np.stack([crop.camera.K for crop in crops]), view, start, start,
        np.zeros(len(start), np.float32), pose, truth,
    )  # fmt: skip
    faces = torch.from_numpy(template.triangles.astype(np.int64))
    every = torch.from_numpy(truth).expand(len(crops), -1, -1)
    cameras = reading.cameras()
    canonical = torch.from_numpy(template.vertices)
    out = rasterize(cameras.clip(torch.arange(len(crops)), every), faces, (cells, cells))
    there = (out.tri_id >= 0)[:, None]
    shown = interpolate(canonical, faces, out).permute(0, 3, 1, 2)
    normals = interpolate(vertex_normals(every, faces), faces, out).permute(0, 3, 1, 2)
    maps = torch.cat(
        [
            shown, torch.nn.functional.normalize(normals, dim=1),
            torch.full_like(shown[:, :1], 1e-3), torch.ones_like(shown[:, :2]),
            torch.zeros(len(crops), features, cells, cells),
        ], 1,
    )  # fmt: skip
    maps = (maps * there).numpy().astype(np.float16)
    return replace(reading, maps=maps)


def perfect_read(template, moment):
    """`read_views` of a net that knows the moment."""
    from mien_training.capture.correspondence.correspondence_net import ViewMaps
    from mien_training.capture.correspondence.read_views import ReadViews

    faces = torch.from_numpy(template.triangles.astype(np.int64))
    canonical = torch.from_numpy(template.vertices)

    def read(net, images, crops):
        cameras = CameraBatch.of([crop.camera for crop in crops])
        cells = crops[0].camera.width // 2
        every = torch.from_numpy(moment.vertices).expand(len(crops), -1, -1)
        out = rasterize(cameras.clip(torch.arange(len(crops)), every), faces, (cells, cells))
        places = interpolate(canonical, faces, out)
        turn = cameras.camera_from_world[:, :3, :3].transpose(1, 2)
        normals = interpolate(vertex_normals(every, faces) @ turn, faces, out)
        there = out.tri_id >= 0
        maps = ViewMaps(
            torch.where(there, 8.0, -8.0), places, torch.full(there.shape, 5e-4),
            torch.nn.functional.normalize(normals, dim=-1),
        )  # fmt: skip
        features = torch.zeros(len(crops), 2, cells, cells)
        return ReadViews(tuple(crops), maps, features)

    return read
