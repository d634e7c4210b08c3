"""Finished maps: the fit enlarged smoothly and faded out, in frames that the surface has."""

import numpy as np
import pytest
import torch

from mien_training.detail.finish import finer_maps, tangent_frames

SIZE = 128


@pytest.fixture(scope="module")
def skin(head_atlas):
    mask = np.zeros(SIZE * SIZE, bool)
    mask[head_atlas.texels(SIZE).texel] = True
    return mask.reshape(SIZE, SIZE)


@pytest.fixture(scope="module")
def inside(skin):
    """Texels of skin beyond the border's fade."""
    away = np.minimum(np.arange(SIZE), SIZE - 1 - np.arange(SIZE)) > 0.04 * SIZE
    return skin & np.outer(away, away)


def waves(size):
    at = torch.arange(size).add(0.5) / size
    v, u = torch.meshgrid(at, at, indexing="ij")
    return 1e-3 * torch.stack([torch.sin(9 * u + 4 * v), torch.cos(7 * v), torch.ones_like(u)])


def test_without_pores_it_is_the_same_relief_in_more_texels(head_atlas, inside, skin):
    found = finer_maps(head_atlas, waves(64), SIZE, 0.0, 0)
    assert found.shape == (3, SIZE, SIZE) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, inside], waves(SIZE).numpy()[:, inside], atol=2e-5)
    assert not found[:, ~skin].any()


def test_slopes_stay_what_they_were(head_atlas, inside):
    """Shading shows slopes: a ramp must not come out as stairs."""
    ramp = 1e-5 * torch.arange(32.0).expand(3, 32, 32)
    found = finer_maps(head_atlas, ramp.contiguous(), SIZE, 0.0, 0)[1]
    both = (inside[:, 1:] & inside[:, :-1])[:, 16:-16]
    steps = np.diff(found, axis=1)[:, 16:-16][both]
    np.testing.assert_allclose(steps, 1e-5 * 32 / SIZE, rtol=0.05)


def test_it_is_linear_and_pores_are_added_at_rest_only(head_atlas):
    a, b = waves(32), waves(32).flip(-1)
    none = torch.zeros_like(a)
    plain = [finer_maps(head_atlas, h, SIZE, 0.0, 0) for h in (a, b, 2 * a - b)]
    np.testing.assert_allclose(plain[2], 2 * plain[0] - plain[1], atol=1e-8)
    pores = finer_maps(head_atlas, none, SIZE, 6e-5, 0)
    assert pores[0].std() > 3e-6 and not pores[1:].any()
    np.testing.assert_allclose(
        finer_maps(head_atlas, a, SIZE, 6e-5, 0), plain[0] + pores, atol=1e-8
    )
    other = finer_maps(head_atlas, none, SIZE, 6e-5, 1)
    assert abs(np.corrcoef(pores[0].ravel(), other[0].ravel())[0, 1]) < 0.2


def test_it_fades_to_nothing_at_the_borders(head_atlas, skin):
    found = finer_maps(head_atlas, torch.full((3, 32, 32), 1e-3), SIZE, 0.0, 0)[0]
    for border in (found[0], found[-1], found[:, 0], found[:, -1]):
        assert np.abs(border).max() <= 1.1e-4
    middle = found[SIZE // 2, : SIZE // 4][skin[SIZE // 2, : SIZE // 4]]
    assert (np.diff(middle) >= -1e-9).all() and middle[-1] == pytest.approx(1e-3, rel=1e-4)


def test_tangent_frames_are_those_of_the_positions(head_atlas, inside):
    texels = head_atlas.texels(SIZE)
    places = np.full((SIZE * SIZE, 3), np.nan)
    places[texels.texel] = texels.interpolate(head_atlas.template.vertices)
    along_v, along_u = (SIZE * g for g in np.gradient(places.reshape(SIZE, SIZE, 3), axis=(0, 1)))
    length = np.linalg.norm(along_u, axis=2)
    shear = (along_u * along_v).sum(2) / length
    down = -np.sqrt((along_v**2).sum(2) - shear**2)
    steps = np.stack([np.stack([length, shear]), np.stack([0 * length, down])])
    frames = tangent_frames(head_atlas, SIZE)
    known = inside & np.isfinite(steps).all((0, 1)) & (length < 0.35)
    product = np.einsum("abyx,acyx->yxbc", frames, steps)[known] - np.eye(2)
    apart = np.abs(product).max((1, 2))
    assert np.median(apart) < 0.05 and np.quantile(apart, 0.8) < 0.2
    assert (frames[0, 0][known] > 0).all() and (frames[1, 1][known] < 0).all()


def test_frames_are_nothing_where_there_is_no_skin(head_atlas, skin):
    frames = tangent_frames(head_atlas, SIZE)
    assert frames.shape == (2, 2, SIZE, SIZE) and np.isfinite(frames).all()
    assert not frames[:, :, ~skin].any()
