"""Fits to maps recover what the basis holds, and come nearer to what it does not."""

from dataclasses import replace

import numpy as np
import pytest

from mien_training.capture.morphable.fit_maps import fit_maps
from mien_training.capture.morphable.morphable_fit import FitConfig
from mien_training.geometry.nearest_surface import nearest_on_surface

SURE = FitConfig(noise_m=1e-5, effective_points=1e6, scale_m=0.02, steps=25)


@pytest.fixture(scope="module")
def member(heads, anny, true_rays, seen_head):
    """Rays that show a head of the basis at the pose of `seen_head`, and its vertices."""
    rng = np.random.default_rng(2)
    c = rng.standard_normal(len(heads.variances)) * np.sqrt(heads.variances)
    skin = anny.triangles[anny.triangle_material == 0]
    near = nearest_on_surface(anny.vertices, skin, true_rays.canonical)
    pose = seen_head.world_from_head
    vertices = heads.vertices(c) @ pose[:3, :3].T + pose[:3, 3]
    places = np.einsum("nc,ncx->nx", near.barycentric, vertices[skin[near.triangle]])
    ways = places - true_rays.origins
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    return replace(true_rays, directions=ways), vertices


def skin_error(vertices, true, anny):
    return 1e3 * np.linalg.norm(vertices - true, axis=1)[anny.regions["skin"]]


def test_a_member_of_the_basis_is_recovered(heads, anny, member):
    rays, true = member
    fit = fit_maps(heads, anny, rays, config=SURE)
    assert np.median(skin_error(fit.vertices, true, anny)) < 0.2
    assert np.median(fit.residuals) < 5e-5
    assert (np.diff(fit.objective) <= 0).all() and fit.objective[-1] < 0.05 * fit.objective[0]


def test_wrong_rays_lose_their_say(heads, anny, member):
    rays, true = member
    rng = np.random.default_rng(3)
    noisy = rays.canonical + rng.normal(0, 0.002, rays.canonical.shape)
    wrong = rng.random(len(noisy)) < 0.3
    noisy[wrong] = rng.permutation(noisy[wrong])
    fit = fit_maps(heads, anny, replace(rays, canonical=noisy))
    assert (np.diff(fit.objective) <= 0).all()
    assert np.median(skin_error(fit.vertices, true, anny)) < 3


def test_somebody_outside_the_basis_is_met_better_than_by_the_mean_head(
    heads, anny, true_rays, seen_head
):
    fit = fit_maps(heads, anny, true_rays)
    pose = fit.world_from_head
    mean = anny.vertices @ pose[:3, :3].T + pose[:3, 3]
    seen = seen_head.visible.any(0) & anny.regions["skin"]
    found, plain = (
        np.linalg.norm(v - seen_head.vertices, axis=1)[seen].mean() for v in (fit.vertices, mean)
    )
    assert found < 0.7 * plain
    assert np.abs(fit.coefficients / np.sqrt(heads.variances)).max() < 4


def test_without_belief_the_mean_head_stays(heads, anny, true_rays):
    fit = fit_maps(heads, anny, true_rays, config=FitConfig(noise_m=0.9, effective_points=1))
    assert np.abs(fit.coefficients / np.sqrt(heads.variances)).max() < 1e-2
