"""Still images of heads for reports: in their materials, in clay, in colours per vertex."""

from __future__ import annotations

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mien.deform import vertex_normals
from mien.rig import Material
from mien_training.cameras.camera import Camera, clip_from_camera, look_at_camera
from mien_training.head import MATERIALS, Template
from mien_training.head.landmark_sets import BROW_POINTS, FACE_OVAL
from mien_training.rendering.paint import Look, paint_materials
from mien_training.rendering.visibility import interpolate, rasterize

__all__ = [
    "GROUND", "INK", "MUTED", "clay_materials", "draw_vertex_colours", "face_camera", "jpeg_bytes",
    "png_bytes", "write",
]  # fmt: skip

ImageArray = NDArray[np.uint8]
Float32Array = NDArray[np.float32]

GROUND = (24, 26, 31)
INK = (226, 229, 235)
MUTED = (142, 149, 162)

_CLAY = Material("skin", color=(0.46, 0.42, 0.39), roughness=0.55)
_ABOVE_BROWS_M = 0.022


def clay_materials(person: Template) -> tuple[Material, ...]:
    """A head without its colours: grey skin, and painted eyes, so that their gaze is seen."""
    none = np.zeros((1, 1, 3), np.uint8)  # painting skin takes a second, and clay has none
    painted = paint_materials(person, person.vertices, Look(), skin=none)
    skin = MATERIALS.index("skin")
    return (*painted[:skin], _CLAY, *painted[skin + 1 :])


def face_camera(
    person: Template, side: int, yaw: float = 0.0, heads: Float32Array | None = None
) -> Camera:
    """A square image of the face, in rig space, from `yaw` radians to the image's right.

    Close enough that brows to chin fill the image in all of `heads` (H, V, 3); None: the neutral.
    """
    every = person.vertices[None] if heads is None else heads
    landmarks = np.stack([person.landmarks.positions(v, person.triangles) for v in every])
    oval = landmarks[:, list(FACE_OVAL)].reshape(-1, 3)
    brows = landmarks[:, list(BROW_POINTS)]
    low, high = np.nanmin(oval, 0), np.nanmax(oval, 0)
    high[1] = float(np.nanmax(brows[..., 1])) + _ABOVE_BROWS_M
    middle = 0.5 * (low + high)
    size = 1.06 * float(max(high[1] - low[1], high[0] - low[0]))
    distance = 5 * size
    eye = middle + distance * np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    return look_at_camera(eye, middle, 2 * float(np.arctan(0.5 * size / distance)), side, side)


def draw_vertex_colours(
    vertices: Float32Array, triangles: NDArray[np.int32], colours: Float32Array, camera: Camera
) -> ImageArray:
    """(H, W, 3) image of (V, 3) vertices in rig space, (V, 3) colours 0..1, softly shaded."""
    fine = camera.resized(2 * camera.width, 2 * camera.height)
    points = np.c_[vertices, np.ones(len(vertices))]
    clip = points @ (clip_from_camera(fine, 0.05, 20.0) @ fine.camera_from_world).T
    faces = torch.from_numpy(triangles.astype(np.int64))
    out = rasterize(torch.tensor(clip[None], dtype=torch.float32), faces, (fine.height, fine.width))
    sight = camera.centre - vertices
    sight /= np.linalg.norm(sight, axis=1, keepdims=True)
    facing = (vertex_normals(vertices, triangles) * sight).sum(1).clip(0, 1)
    shaded = (colours * (0.45 + 0.55 * facing[:, None])).astype(np.float32)
    image = interpolate(torch.from_numpy(shaded), faces, out)[0].numpy()
    covered = (out.tri_id[0] >= 0).numpy()[..., None]
    whole = np.where(covered, image, np.array(GROUND) / 255)
    small = whole.reshape(camera.height, 2, camera.width, 2, 3).mean((1, 3))
    return np.asarray(np.rint(255 * small).clip(0, 255).astype(np.uint8))


def write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, height: float,
    colour: tuple[int, int, int] = INK, anchor: str = "la",
) -> None:  # fmt: skip
    """Text of about `height` pixels; `anchor` as Pillow's."""
    draw.text(at, text, fill=colour, font=ImageFont.load_default(size=height), anchor=anchor)


def png_bytes(image: ImageArray) -> bytes:
    """(H, W, 3) as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg_bytes(image: ImageArray) -> bytes:
    """(H, W, 3) as a JPEG file with the colours of every pixel: for what was filmed."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=88, subsampling=0, optimize=True)
    return buffer.getvalue()
