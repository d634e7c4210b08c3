"""Pictures of a painted head give its paint back."""

import numpy as np
import pytest
import torch
from support.captured_takes import ring_of_cameras

from mien_training.cameras import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.head import MATERIALS
from mien_training.rendering.texture.observed_texture import ObservedTexture
from mien_training.rendering.visibility import rasterize

SIDE = 64
CAMERAS = ring_of_cameras(3, 160)


@pytest.fixture(scope="module")
def paint():
    """Wide columns of two colours."""
    image = np.full((SIDE, SIDE, 3), (160, 90, 70), np.uint8)
    image[:, (np.arange(SIDE) // 8) % 2 == 0] = (70, 120, 160)
    return image


@pytest.fixture(scope="module")
def head(head_template):
    return head_template


def picture(head, camera, paint, gain=1.0, shift=(0, 0, 0)):
    """Of the skin, evenly lit; eyes are white, what is beside the head black."""
    vertices = torch.from_numpy(head.vertices + np.float32(shift))[None]
    clip = CameraBatch.of([camera]).clip(torch.zeros(1, dtype=torch.long), vertices)
    out = rasterize(clip, torch.from_numpy(head.triangles).long(), (camera.height, camera.width))
    hit = (out.tri_id[0] >= 0).numpy()
    triangle, share = out.tri_id[0].numpy()[hit], out.bary[0].numpy()[hit]
    uv = (share[..., None] * head.uvs[head.uv_triangles[triangle]]).sum(1)
    column, row = np.minimum((uv * SIDE).astype(int), SIDE - 1).T
    colour = np.rint(255 * (gain * (paint[row, column] / 255.0) ** 2.2) ** (1 / 2.2))
    colour[head.triangle_material[triangle] != MATERIALS.index("skin")] = 255
    image = np.zeros((camera.height, camera.width, 3), np.uint8)
    image[hit] = colour.clip(0, 255)
    return image


def error(texture, paint):
    """Median difference of the texels that were seen."""
    off = np.abs(texture.image().astype(int) - paint)[texture.seen]
    return np.median(off)


def test_the_paint_comes_back_where_it_was_seen(head, paint):
    texture = ObservedTexture(head, SIDE)
    texture.add([picture(head, c, paint) for c in CAMERAS], CAMERAS, head.vertices)
    assert error(texture, paint) <= 2 and 0.25 < texture.seen.mean() < 0.6
    texture.add(
        [picture(head, c, paint, shift=(0.02, 0, 0)) for c in CAMERAS], CAMERAS,
        head.vertices + np.float32((0.02, 0, 0)),
    )  # fmt: skip
    assert error(texture, paint) <= 2


def test_eyes_do_not_shine_through_onto_the_skin(head, paint):
    texture = ObservedTexture(head, SIDE)
    texture.add([picture(head, c, paint) for c in CAMERAS], CAMERAS, head.vertices)
    assert texture.image()[texture.seen].max() < 250


def test_brighter_cameras_are_brought_to_one_brightness(head, paint):
    def ratio(gains):
        texture = ObservedTexture(head, SIDE)
        images = [picture(head, c, paint, g) for c, g in zip(CAMERAS, gains, strict=True)]
        texture.add(images, CAMERAS, head.vertices)
        known, even = texture.image()[texture.seen], paint[texture.seen]
        blue = even[:, 2] > 100
        return np.std(known[blue, 2].astype(float)) / np.mean(known[blue, 2])

    assert ratio((1.0, 0.6, 1.0)) < 1.5 * ratio((1.0, 1.0, 1.0)) + 0.01
    assert ratio((1.0, 1.0, 1.0)) < 0.2


def test_what_is_not_believed_adds_nothing(head, paint):
    images = [picture(head, c, paint) for c in CAMERAS]
    texture = ObservedTexture(head, SIDE)
    texture.add(images, CAMERAS, head.vertices, np.zeros(len(head.vertices), np.float32))
    assert not texture.seen.any()
    assert (texture.image() == 128).all()
    front = (head.vertices[:, 0] > 0).astype(np.float32)
    texture.add(images, CAMERAS, head.vertices, front)
    whole = ObservedTexture(head, SIDE)
    whole.add(images, CAMERAS, head.vertices)
    assert 0.3 < texture.seen.sum() / whole.seen.sum() < 0.75


def test_grey_pictures(head, paint):
    texture = ObservedTexture(head, SIDE)
    grey = [picture(head, c, paint)[..., :1] for c in CAMERAS]
    texture.add(grey, CAMERAS, head.vertices)
    image = texture.image()
    assert (image == image[..., :1]).all() and np.median(
        np.abs(image[..., 0].astype(int) - paint[..., 0])[texture.seen]
    ) <= 2


def test_a_camera_that_looks_away_shows_nothing(head, paint):
    away = look_at_camera((0, 0, 1), (0, 0, 2), 0.4, 40, 40)
    texture = ObservedTexture(head, SIDE)
    texture.add([np.full((40, 40, 3), 90, np.uint8)], [away], head.vertices)
    assert not texture.seen.any()
