"""Heads are found from maps of what pixels show: true ones, noisy ones, wrong ones."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.capture.localisation.head_crops import HEAD_CENTRE
from mien_training.capture.localisation.head_pose import PoseConfig, locate_head
from mien_training.geometry.alignment import fit_alignment

FIELDS = ("origins", "directions", "canonical", "certainty", "pixels")


def exact(rays, pose, scale=1.0):
    """The same rays as if the head were the mean head itself, at `pose`, seen from C cameras."""
    grown = scale * (rays.canonical - HEAD_CENTRE) + HEAD_CENTRE
    placed = grown @ pose[:3, :3].T + pose[:3, 3]
    ways = placed - rays.origins
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    return replace(rays, directions=ways)


def errors(found, true):
    """Degrees, and millimetres at the middle of the head."""
    turn = Rotation.from_matrix(found[:3, :3] @ true[:3, :3].T).magnitude()
    middle = np.array([0, 0.12, 0.05, 1])
    return np.degrees(turn), 1e3 * np.linalg.norm(((found - true) @ middle)[:3])


def test_the_mean_head_is_found_exactly(seen_head, true_rays):
    true = seen_head.world_from_head
    found = locate_head(exact(true_rays, true))
    angle, place = errors(found.world_from_head, true)
    assert angle < 1e-6 and place < 1e-6 and abs(found.scale - 1) < 1e-8 and not found.failure
    assert found.inliers == pytest.approx(1) and found.residual_m.max() < 1e-9
    larger = locate_head(exact(true_rays, true, 1.07), PoseConfig(scale_deviation=0.9))
    assert larger.scale == pytest.approx(1.07, abs=1e-3)
    assert max(errors(larger.world_from_head, true)) < 0.01
    same = locate_head(exact(true_rays, true, 1.07), PoseConfig(scale_deviation=0))
    assert same.scale == 1 and errors(same.world_from_head, true)[0] < 1


def test_somebody_else_is_found_as_well_as_by_their_true_mesh(seen_head, true_rays, anny):
    found = locate_head(true_rays)
    seen = seen_head.visible.any(0) & anny.regions["skin"]
    fit = fit_alignment(anny.vertices, seen_head.vertices, "similarity", seen)
    best = np.eye(4)
    best[:3, :3], best[:3, 3] = fit.scale * fit.rotation, fit.translation
    angle, place = errors(found.world_from_mean, best)
    assert abs(found.scale / fit.scale - 1) < 0.05
    assert angle < 2.5 and place < 5 and found.inliers > 0.8 and not found.failure
    assert np.isfinite(found.residual_m).all() and np.abs(found.offset_px).max() < 4


def test_wrong_rays_lose_their_say(seen_head, true_rays):
    true = seen_head.world_from_head
    rng = np.random.default_rng(1)
    noisy = true_rays.canonical + rng.normal(0, 0.004, true_rays.canonical.shape)
    wrong = rng.random(len(noisy)) < 0.3
    noisy[wrong] = rng.permutation(noisy[wrong])
    rays = replace(exact(true_rays, true), canonical=noisy)
    found = locate_head(rays)
    angle, place = errors(found.world_from_head, true)
    assert angle < 1 and place < 1.5 and not found.failure
    known = locate_head(replace(rays, certainty=np.where(wrong, 1e-3, 1.0)))
    assert errors(known.world_from_head, true)[1] < max(place, 0.5)


def test_the_order_of_views_does_not_matter(true_rays):
    order = np.array([2, 0, 3, 1])
    place = np.argsort(order)  # old index -> new
    mixed = np.argsort(place[true_rays.camera], kind="stable")
    swapped = replace(
        true_rays,
        cameras=tuple(true_rays.cameras[i] for i in order),
        camera=place[true_rays.camera][mixed],
        **{n: getattr(true_rays, n)[mixed] for n in FIELDS},
    )
    a, b = locate_head(true_rays), locate_head(swapped)
    np.testing.assert_allclose(b.world_from_head, a.world_from_head, atol=1e-9)
    np.testing.assert_allclose(b.residual_m, a.residual_m[order], atol=1e-9)
    np.testing.assert_array_equal(b.rays, a.rays[order])


def test_the_pose_moves_with_the_world(true_rays):
    move = np.eye(4)
    move[:3, :3] = Rotation.from_rotvec([0.7, -2.0, 0.4]).as_matrix()
    move[:3, 3] = 1.5, -0.4, 3.0
    inverse = np.linalg.inv(move)
    moved = replace(
        true_rays,
        origins=true_rays.origins @ move[:3, :3].T + move[:3, 3],
        directions=true_rays.directions @ move[:3, :3].T,
        cameras=tuple(
            Camera(c.K, c.camera_from_world @ inverse, c.width, c.height, c.k1, c.k2)
            for c in true_rays.cameras
        ),
    )
    a, b = locate_head(true_rays), locate_head(moved)
    np.testing.assert_allclose(b.world_from_head, move @ a.world_from_head, atol=1e-7)
    np.testing.assert_allclose(b.offset_px, a.offset_px, atol=1e-5)


def test_one_camera_that_is_off_is_told_by_its_offset(seen_head, true_rays):
    rays = exact(true_rays, seen_head.world_from_head)
    off = replace(rays.cameras[2], K=rays.cameras[2].K + np.array([[0, 0, 2.0], [0] * 3, [0] * 3]))
    cameras = (*rays.cameras[:2], off, *rays.cameras[3:])
    found = locate_head(replace(rays, cameras=cameras))
    np.testing.assert_allclose(found.offset_px - locate_head(rays).offset_px,
                               [[0, 0], [0, 0], [2, 0], [0, 0]], atol=1e-6)  # fmt: skip


def test_what_cannot_be_trusted_says_so(seen_head, true_rays):
    lone = true_rays.camera == 0
    few = {n: getattr(true_rays, n)[lone] for n in (*FIELDS, "camera")}
    with pytest.raises(InputError, match="at least two cameras"):
        locate_head(replace(true_rays, **few))
    noise = np.random.default_rng(0).uniform(-0.1, 0.3, true_rays.canonical.shape)
    assert "agree" in locate_head(replace(true_rays, canonical=noise)).failure
    rays = exact(true_rays, seen_head.world_from_head)
    mirror = np.array([-1.0, 1.0, 1.0])
    assert "mirrored" in locate_head(replace(rays, canonical=rays.canonical * mirror)).failure
    with pytest.raises(InputError, match="scale_m"):
        PoseConfig(scale_m=0)
    with pytest.raises(InputError, match="scale_deviation"):
        PoseConfig(scale_deviation=-1)
