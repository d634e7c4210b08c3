"""Texels know where on the mesh they lie; gaps are filled from their neighbours."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.rendering.bake import bake_texels, dilate


def test_every_texel_maps_to_its_own_uv(head_template):
    """On the sphere the place follows from the texture coordinate: bake must agree."""
    texels = bake_texels(head_template, 0, 128)
    points = texels.interpolate(head_template.vertices) / 0.09
    u = (texels.texel % 128 + 0.5) / 128
    v = (texels.texel // 128 + 0.5) / 128
    away = (v > 0.1) & (v < 0.9)  # fans at the poles are no latitude-longitude grid
    theta, phi = np.pi * v, 2 * np.pi * u
    expected = np.stack(
        [np.sin(theta) * np.sin(phi), np.cos(theta), np.sin(theta) * np.cos(phi)], -1
    )
    assert np.abs(points - expected)[away].max() < 0.03  # facets of 24 x 48
    assert len(texels.texel) > 0.9 * 128 * 128


def test_one_material_only(head_template):
    texels = bake_texels(head_template, 1, 64)
    eye = np.unique(head_template.triangles[head_template.triangle_material == 1])
    assert np.isin(texels.corners, eye).all()


def test_image_writes_texels_and_fills_gaps(head_template):
    texels = bake_texels(head_template, 0, 64)
    colours = np.tile(np.array([[1.0, 0.5, 0.0]], np.float32), (len(texels.texel), 1))
    image = texels.image(colours)
    assert image.shape == (64, 64, 3)
    assert (image == (255, 128, 0)).all()


def test_dilate_takes_the_nearest():
    image = np.zeros((5, 9, 3), np.uint8)
    covered = np.zeros((5, 9), np.bool_)
    image[2, 1], covered[2, 1] = (10, 0, 0), True
    image[2, 7], covered[2, 7] = (0, 20, 0), True
    filled = dilate(image, covered)
    assert (filled[:, :4] == (10, 0, 0)).all()
    assert (filled[:, 5:] == (0, 20, 0)).all()


def test_tiny_texture_is_refused(head_template):
    with pytest.raises(InputError, match="texture size"):
        bake_texels(head_template, 0, 2)
