"""What the light on the relief painted into a texture comes out of it again."""

import numpy as np
import pytest
import torch

from mien_training.detail.delight import delit_skin, relief_shading
from mien_training.detail.fit.photometric_detail import shading_evidence
from mien_training.detail.fit.skin_light import estimate_light
from mien_training.rendering.appearance import srgb_from_linear
from mien_training.rendering.bake import bake_texels
from mien_training.rendering.shading import linear_from_srgb

SIDE, TEXTURE = 64, 256


@pytest.fixture(scope="module")
def shading():
    at = (torch.arange(SIDE) + 0.5) / SIDE
    v, u = torch.meshgrid(at, at, indexing="ij")
    return 0.3 * torch.sin(20 * u) * torch.cos(17 * v)


@pytest.fixture(scope="module")
def plain():
    return np.random.default_rng(0).integers(90, 150, (TEXTURE, TEXTURE, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def painted(anny, head_atlas, plain):
    bake = bake_texels(anny, 0, TEXTURE)
    u, v = bake.interpolate(head_atlas.places).T
    on = (np.minimum(u, v) > 0.01) & (np.maximum(u, v) < 0.99)
    light = np.exp(0.3 * np.sin(20 * u) * np.cos(17 * v) * on)
    texture = plain.reshape(-1, 3).copy()
    linear = torch.from_numpy(linear_from_srgb(texture[bake.texel]) * light[:, None])
    texture[bake.texel] = np.rint(255 * srgb_from_linear(linear).numpy())
    return texture.reshape(plain.shape), bake.texel[on]


def test_it_comes_back_plain(anny, head_atlas, plain, painted, shading):
    texture, on = painted
    found = delit_skin(texture, anny, head_atlas, shading)
    assert found.shape == plain.shape and found.dtype == np.uint8
    before, after = (
        np.abs(t.reshape(-1, 3)[on].astype(int) - plain.reshape(-1, 3)[on])
        for t in (texture, found)
    )
    assert before.mean() > 5 and after.mean() < 0.15 * before.mean()
    assert np.quantile(after, 0.95) <= 3


def test_without_shading_and_off_the_face_nothing_changes(
    anny, head_atlas, plain, painted, shading
):
    zero = torch.zeros_like(shading)
    np.testing.assert_array_equal(delit_skin(plain, anny, head_atlas, zero), plain)
    off = np.setdiff1d(np.arange(TEXTURE * TEXTURE), painted[1])
    found = delit_skin(plain, anny, head_atlas, shading).reshape(-1, 3)
    np.testing.assert_array_equal(found[off], plain.reshape(-1, 3)[off])


def test_light_changes_within_bounds(anny, head_atlas, plain, painted, shading):
    for sign, change in ((1, 1 / 1.6), (-1, 1.6)):
        found = delit_skin(plain, anny, head_atlas, torch.full_like(shading, 5.0 * sign))
        ratio = (linear_from_srgb(found) / linear_from_srgb(plain)).reshape(-1, 3)[painted[1]]
        np.testing.assert_allclose(ratio, change, rtol=0.03)


def test_shading_is_linear_in_the_relief_and_opens_with_the_gates(observed_64):
    frames, side = len(observed_64.weight), 64
    seen = shading_evidence(observed_64, estimate_light(observed_64), side, 6.0)
    heights = 1e-4 * torch.randn(3, side, side, generator=torch.Generator().manual_seed(0))
    shut, open_ = torch.zeros(frames, side, side), torch.ones(frames, side, side)

    def shade(h, press, pull):
        return relief_shading(seen, h, press, pull)

    at_rest = shade(heights, shut, shut)
    assert at_rest.shape == (side, side) and at_rest.std() > 1e-3
    torch.testing.assert_close(shade(-2 * heights, shut, shut), -2 * at_rest)
    assert not shade(0 * heights, open_, open_).any()
    moved = heights.clone()
    moved[1:] *= 3
    torch.testing.assert_close(shade(moved, shut, shut), at_rest)
    parts = [shade(heights * torch.eye(3)[k, :, None, None], open_, open_) for k in range(3)]
    torch.testing.assert_close(shade(heights, open_, open_), sum(parts), atol=1e-5, rtol=1e-4)
