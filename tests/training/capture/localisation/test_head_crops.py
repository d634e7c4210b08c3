"""Crops are images of their own cameras: centred, upright, straight, right to the half pixel."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import Camera, look_at_camera, project
from mien_training.capture.localisation.head_crops import (
    HEAD_CENTRE,
    HEAD_RADIUS_M,
    crop_cameras,
    head_crops,
)

CENTRE = np.array([0.05, 0.1, -0.02])


def lens(k1=0.15, k2=-0.05, eye=(0.3, 0.2, 1.2), width=200, height=160, up=(0, 1, 0)):
    plain = look_at_camera(eye, (0, 0, 0), 0.6, width, height, up)
    return Camera(plain.K, plain.camera_from_world, width, height, k1, k2)


@pytest.mark.parametrize("up", [None, (0.2, 1.0, 0.1)])
def test_projection_round_trips(up):
    camera = lens()
    (crop,) = crop_cameras([camera], CENTRE, 64, up=up)
    rng = np.random.default_rng(0)
    points = CENTRE + rng.uniform(-0.12, 0.12, (40, 3))
    through, _ = project(crop.camera, points)
    direct, _ = project(camera, points)
    assert np.abs(crop.source_pixels(through) - direct).max() < 1e-4  # pixels
    np.testing.assert_allclose(crop.camera.centre, camera.centre, atol=1e-12)
    middle, _ = project(crop.camera, CENTRE)
    np.testing.assert_allclose(middle, [32, 32], atol=1e-9)
    if up is not None:
        above, _ = project(crop.camera, CENTRE + 0.1 * np.array(up))
        assert abs(above[0] - 32) < 1e-9 and above[1] < 32


def test_the_sphere_touches_the_edges():
    (crop,) = crop_cameras([lens()], CENTRE, 64, 0.12)
    way = np.random.default_rng(1).standard_normal((4000, 3))
    surface = CENTRE + 0.12 * way / np.linalg.norm(way, axis=1, keepdims=True)
    pixels, _ = project(crop.camera, surface)
    far = np.linalg.norm(pixels - 32, axis=1)
    assert 31.8 < far.max() <= 32 + 1e-9
    assert crop.sees_head and crop.inside > 0.9


@pytest.mark.parametrize("size", [(200, 160), (800, 640)])
def test_images_and_labels_show_points_where_the_crop_s_camera_does(size):
    camera = lens(width=size[0], height=size[1])
    (crop,) = crop_cameras([camera], CENTRE, 64)
    point = CENTRE + [0.06, 0.05, 0.03]
    (x, y), _ = project(camera, point)
    spread = size[0] / 200
    row, column = np.mgrid[: size[1], : size[0]] + 0.5
    spot = 250 * np.exp(-((column - x) ** 2 + (row - y) ** 2) / (12 * spread**2))
    image = crop.image(np.rint(spot)[..., None].astype(np.uint8)).astype(float)[..., 0]
    assert image.shape == (64, 64)
    own_row, own_column = np.mgrid[:64, :64] + 0.5
    found = [(image * g).sum() / image.sum() for g in (own_column, own_row)]
    true, _ = project(crop.camera, point)
    np.testing.assert_allclose(found, true, atol=0.06)
    places = np.stack([column, row], -1)
    nearest = crop.labels(places, -1)
    exact = crop.source_pixels(np.stack([own_column, own_row], -1))
    covered = crop.covered()
    assert np.abs(nearest - exact)[covered].max() <= 0.5 + 1e-9
    assert (nearest[~covered] == -1).all()


def test_shrinking_averages():
    camera = lens(0, 0, width=800, height=640)
    (crop,) = crop_cameras([camera], CENTRE, 32)
    noise = np.random.default_rng(0).integers(0, 256, (640, 800, 1)).astype(np.uint8)
    inner = crop.image(noise)[8:24, 8:24].astype(float)
    assert inner.std() < 0.25 * noise.std() and abs(inner.mean() - noise.mean()) < 3


def test_views_that_do_not_see_the_head_are_marked():
    away = lens(eye=(0.3, 0.2, -1.2))
    turned = look_at_camera((0.0, 0.0, 1.2), (0.0, 0.0, 3.0), 0.6, 100, 100)
    aside = look_at_camera((0.0, 0.1, 1.2), (1.2, 0.1, 0.0), 0.6, 100, 100)
    inside = look_at_camera(CENTRE + [0, 0, 0.05], (0, 0, 0), 0.6, 100, 100)
    centred = look_at_camera(CENTRE, (0, 0, -1), 0.6, 100, 100)
    crops = crop_cameras([lens(), away, turned, aside, inside, centred], CENTRE, 32)
    assert [c.sees_head for c in crops] == [True, True, False, False, False, False]
    assert crops[2].inside == 0 and not crops[2].covered().any()
    black = crops[2].image(np.full((100, 100, 3), 255, np.uint8))
    assert not black.any()


def test_heads_stand_upright_before_turned_cameras(seen_head):
    pose = seen_head.world_from_head
    crops = head_crops([lens(up=(1, 0, 0)), *seen_head.cameras], pose, 48)
    top, bottom = (pose @ [*HEAD_CENTRE, 1] + side * pose[:, 1] * 0.1 for side in (1, -1))
    for crop in crops:
        (a, b), _ = project(crop.camera, np.stack([top, bottom])[:, :3])
        assert abs(a[0] - b[0]) < 1e-6 and a[1] < b[1]
    assert all(c.sees_head for c in crops[1:])
    seen = seen_head.vertices[seen_head.visible.any(0)]
    pixels, _ = project(crops[1].camera, seen)
    assert ((pixels > 0) & (pixels < 48)).all(1).mean() > 0.95
    straight = crop_cameras([lens()], CENTRE + [0, 0, 0], 32, HEAD_RADIUS_M, (0.3, 0.2, 1.2))
    assert np.isfinite(straight[0].camera.K).all()  # up is where the camera looks from


def test_what_does_not_fit_is_refused():
    (crop,) = crop_cameras([lens()], CENTRE, 32)
    with pytest.raises(InputError, match="160 rows"):
        crop.image(np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(InputError, match="side"):
        crop_cameras([lens()], CENTRE, 4)
    with pytest.raises(InputError, match="world_from_head"):
        head_crops([lens()], np.eye(3), 32)
