"""Images of splats against the closed formula, and the laws that drawing obeys."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.clouds import random_cloud, straight_camera, turned_together

from mien.avatar import Pinhole, Splats, draw_splats
from mien.errors import InputError, MissingExtraError

pytest.importorskip("warp", reason="warp-lang is not installed (extra `avatar`)")

WIDTH, HEIGHT = 53, 41


def chosen(splats, rows):
    return Splats(
        splats.means[rows], splats.rotations[rows], splats.scales[rows], splats.opacities[rows],
        splats.colours[rows],
    )  # fmt: skip


def joined(a, b):
    return Splats(*(
        np.concatenate([getattr(a, name), getattr(b, name)])
        for name in ("means", "rotations", "scales", "opacities", "colours")
    ))  # fmt: skip


def ball(z, opacity, colour, x=0.0, sigma=0.03):
    return Splats([[x, 0, z]], [[0, 0, 0, 1]], [[sigma] * 3], [opacity], [colour])


def ball_alpha(camera, z, opacity, x=0.0, sigma=0.03):
    """(H, W) of a ball with y = 0 before `straight_camera`: its covariance is known by hand."""
    focal, cx, cy = camera.K[0, 0], camera.K[0, 2], camera.K[1, 2]
    far = z + camera.camera_from_world[2, 3]
    cxx = (focal * sigma / far) ** 2 * (1 + (x / far) ** 2) + 0.3
    cyy = (focal * sigma / far) ** 2 + 0.3
    v, u = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    power = (u - cx - focal * x / far) ** 2 / cxx + (v - cy) ** 2 / cyy
    alpha = np.minimum(opacity * np.exp(-0.5 * power), 0.99)
    return np.where(alpha >= 1 / 255, alpha, 0)


@pytest.mark.parametrize("opacity", [0.003, 0.4, 1.0])
@pytest.mark.parametrize("x", [0.0, 0.05])
def test_one_ball_is_the_closed_formula(opacity, x):
    camera = straight_camera(WIDTH, HEIGHT)
    alpha = ball_alpha(camera, 0.1, opacity, x)
    image = draw_splats(ball(0.1, opacity, (1.0, 0.5, 0.25), x), camera, WIDTH, HEIGHT)
    wanted = alpha[..., None] * np.array([1.0, 0.5, 0.25, 1.0])
    assert image.shape == (HEIGHT, WIDTH, 4) and image.dtype == np.float32
    assert np.abs(image - wanted).max() < 2e-6
    assert (image.max() > 0) == (opacity > 1 / 255)


def test_of_two_the_nearer_covers_the_other():
    camera = straight_camera(WIDTH, HEIGHT)
    near, far = ball_alpha(camera, -0.1, 0.7), ball_alpha(camera, 0.1, 0.9, 0.04)
    red, green = np.array([1.0, 0, 0, 1]), np.array([0, 1.0, 0, 1])
    wanted = near[..., None] * red + ((1 - near) * far)[..., None] * green
    pair = joined(ball(0.1, 0.9, (0, 1, 0), 0.04), ball(-0.1, 0.7, (1, 0, 0)))
    image = draw_splats(pair, camera, WIDTH, HEIGHT)
    assert np.abs(image - wanted).max() < 2e-6


def test_the_order_of_input_does_not_matter():
    cloud, camera = random_cloud(200), straight_camera(WIDTH, HEIGHT)
    shuffled = chosen(cloud, np.random.default_rng(1).permutation(200))
    a, b = (draw_splats(c, camera, WIDTH, HEIGHT) for c in (cloud, shuffled))
    assert np.array_equal(a, b)


def test_turning_world_and_camera_together_changes_nothing():
    cloud, camera = random_cloud(100), straight_camera(WIDTH, HEIGHT)
    moved = turned_together(cloud, camera, (0.3, -0.5, 0.1, 0.7), (0.2, -0.1, 0.4))
    a, b = (draw_splats(*c, WIDTH, HEIGHT) for c in ((cloud, camera), moved))
    assert a.max() > 0.9 and np.abs(a - b).max() < 2e-5


def test_a_larger_world_seen_from_further_is_the_same():
    cloud, camera = random_cloud(100), straight_camera(WIDTH, HEIGHT)
    grown = Splats(
        3 * cloud.means, cloud.rotations, 3 * cloud.scales, cloud.opacities, cloud.colours
    )
    a = draw_splats(cloud, camera, WIDTH, HEIGHT)
    b = draw_splats(grown, straight_camera(WIDTH, HEIGHT, 1.8), WIDTH, HEIGHT)
    assert np.abs(a - b).max() < 1e-5


def test_a_part_of_the_image_is_that_part():
    """Tiles, their borders and the early end of full ones leave no trace."""
    cloud, camera = random_cloud(400), straight_camera(WIDTH, HEIGHT)
    cloud = chosen(cloud, np.abs(cloud.means[:, :2]).max(1) < 0.1)  # further out, see MARGIN
    whole = draw_splats(cloud, camera, WIDTH, HEIGHT)
    shift = np.array([[0, 0, -7.0], [0, 0, -5.0], [0, 0, 0]])
    part = draw_splats(cloud, Pinhole(camera.K + shift, camera.camera_from_world), 40, 30)
    assert whole[..., 3].max() > 0.9999
    assert np.abs(part - whole[5:35, 7:47]).max() < 1e-5


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 15), (1, 40)])
def test_images_of_any_size(size):
    image = draw_splats(random_cloud(20), straight_camera(*size), *size)
    assert image.shape == (size[1], size[0], 4) and np.isfinite(image).all()


def harmless(name):
    """Gaussians that nobody sees."""
    means = {
        "behind": [0, 0, -2.0], "at the camera": [0, 0, -0.6], "beside": [5.0, 0, 0],
        "beside, close": [0.5, 0.1, -0.58], "clear": [0, 0, 0],
    }[name]  # fmt: skip
    opacity = 0.0 if name == "clear" else 1.0
    return Splats([means], [[0, 0, 0, 1]], [[0.02] * 3], [opacity], [[1.0, 1, 1]])


@pytest.mark.parametrize("name", ["behind", "at the camera", "beside", "beside, close", "clear"])
def test_what_nobody_sees_changes_nothing(name):
    cloud, camera = random_cloud(50), straight_camera(WIDTH, HEIGHT)
    alone = draw_splats(cloud, camera, WIDTH, HEIGHT)
    assert np.array_equal(draw_splats(joined(cloud, harmless(name)), camera, WIDTH, HEIGHT), alone)


@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e3, 1e15, (1e-9, 2.0, 1e-9), (0, 0, 0.05)])
def test_degenerate_scales_give_finite_images(scale):
    one = Splats(
        [[0, 0, 0]], [[0.3, 0.5, 0.1, 0.8]], np.broadcast_to(scale, (1, 3)), [0.8], [[1, 1, 1]]
    )
    image = draw_splats(one, straight_camera(WIDTH, HEIGHT), WIDTH, HEIGHT)
    assert np.isfinite(image).all() and image.max() <= 0.81


def test_nothing_gives_an_empty_image():
    empty = Splats(*(np.zeros(s) for s in ((0, 3), (0, 4), (0, 3), (0,), (0, 3))))
    assert not draw_splats(empty, straight_camera(8, 8), 8, 8).any()


def test_a_cloud_that_covers_everything_absurdly_often_is_refused():
    count = 3000
    huge = Splats(
        np.zeros((count, 3)), np.ones((count, 4)), np.ones((count, 3)), np.ones(count),
        np.ones((count, 3)),
    )  # fmt: skip
    with pytest.raises(InputError, match="too large for this camera"):
        draw_splats(huge, straight_camera(8192, 8192, focal=9000), 8192, 8192)


@pytest.mark.parametrize("size", [(0, 8), (8, -1), (8193, 8)])
def test_images_of_no_size_are_refused(size):
    with pytest.raises(InputError, match=r"expected 1\.\.8192"):
        draw_splats(random_cloud(1), straight_camera(8, 8), *size)


def test_several_threads_draw_at_once():
    clouds, camera = [random_cloud(200, seed) for seed in range(4)], straight_camera(WIDTH, HEIGHT)
    wanted = [draw_splats(cloud, camera, WIDTH, HEIGHT) for cloud in clouds]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda i: draw_splats(clouds[i % 4], camera, WIDTH, HEIGHT), range(40))
        assert all(np.array_equal(image, wanted[i % 4]) for i, image in enumerate(found))


def test_warp_is_loaded_by_the_first_drawing_alone():
    code = "import sys, mien, mien.avatar\nprint(sorted({'warp', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "warp", None)
    for name in [n for n in sys.modules if n.startswith("mien.avatar.")]:
        if name.endswith(("_kernels", "warp_start", "splat_pipeline")):
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match=r"mien\[avatar\]"):
        draw_splats(random_cloud(1), straight_camera(8, 8), 8, 8)
