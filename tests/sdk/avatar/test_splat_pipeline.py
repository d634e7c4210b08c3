"""A thread for each tile and a thread for each pixel do the same, forward and backward."""

import numpy as np
import pytest
from support.clouds import random_cloud, straight_camera

wp = pytest.importorskip("warp", reason="warp-lang is not installed (extra `avatar`)")

from mien.avatar.pinhole import camera_arrays  # noqa: E402
from mien.avatar.splat_pipeline import Cloud, blend, blend_backward, tiled  # noqa: E402

FRAMES, SIZE = 2, (41, 53)


def array(values, dtype):
    return wp.array(np.ascontiguousarray(values), dtype=dtype, device="cpu")


@pytest.fixture(scope="module")
def cloud():
    clouds = [random_cloud(300, seed) for seed in range(FRAMES)]
    poses, lenses = camera_arrays([straight_camera(SIZE[1], SIZE[0], z) for z in (0.6, 0.5)])
    stacked = {
        name: np.stack([getattr(c, name) for c in clouds])
        for name in ("means", "rotations", "scales", "opacities", "colours")
    }
    types = (wp.vec3, wp.vec4, wp.vec3, float, wp.vec3)
    arrays = [array(a, d) for a, d in zip(stacked.values(), types, strict=True)]
    return Cloud(SIZE, *arrays, array(poses, wp.mat44), array(lenses, wp.vec4))


def drawn(scene, per_pixel, *, with_last=True):
    light = wp.zeros((FRAMES, *SIZE), dtype=wp.vec4, device="cpu")
    depth = wp.zeros((FRAMES, *SIZE), dtype=float, device="cpu")
    last = wp.zeros((FRAMES, *(SIZE if with_last else (0, 0))), dtype=int, device="cpu")
    blend(scene, light, depth, last, per_pixel=per_pixel)
    return light, depth, last


def test_images_agree(cloud):
    scene = tiled(cloud)
    tiles, pixels = drawn(scene, False), drawn(scene, True)
    for a, b in zip(tiles[:2], pixels[:2], strict=True):
        assert np.abs(a.numpy() - b.numpy()).max() < 2e-6
    full = tiles[2].numpy() < 2**31 - 1
    assert full.any() and not full.all()
    assert (tiles[2].numpy() == pixels[2].numpy()).mean() > 0.999


def test_what_is_not_asked_for_is_left_out(cloud):
    scene = tiled(cloud)
    asked, not_asked = drawn(scene, False), drawn(scene, False, with_last=False)
    assert np.array_equal(asked[0].numpy(), not_asked[0].numpy())


def test_gradients_agree(cloud):
    scene = tiled(cloud)
    light, _, last = drawn(scene, False)
    rng = np.random.default_rng(0)
    gain = array(rng.normal(size=(FRAMES, *SIZE, 4)).astype(np.float32), wp.vec4)
    gain_depth = array(rng.normal(size=(FRAMES, *SIZE)).astype(np.float32), float)
    found = []
    for per_pixel in (False, True):
        arrays = (cloud.means, cloud.rotations, cloud.scales, cloud.opacities, cloud.colours)
        out = Cloud(SIZE, *map(wp.zeros_like, arrays), cloud.poses, cloud.lenses)
        blend_backward(scene, light, last, gain, gain_depth, out, per_pixel=per_pixel)
        found.append(out)
    for name in ("means", "rotations", "scales", "opacities", "colours"):
        a, b = (getattr(out, name).numpy() for out in found)
        assert np.abs(a).max() > 0
        assert np.abs(a - b).max() < 1e-5 * np.abs(a).max(), name


def test_every_tile_sees_its_gaussians_front_to_back(cloud):
    scene = tiled(cloud)
    depths, reaches = scene.paints.numpy()[:, 3], scene.reaches.numpy()
    members, ranges = scene.members.numpy(), scene.ranges.numpy()
    columns, rows = cloud.tile_grid
    assert ranges.shape == (FRAMES * columns * rows, 2)
    for tile, (first, end) in enumerate(ranges):
        row, column = tile // columns % rows, tile % columns
        inside = members[first:end]
        assert (np.diff(depths[inside]) >= 0).all()
        wanted = np.flatnonzero(
            (reaches[:, 0] <= column) & (column <= reaches[:, 1])
            & (reaches[:, 2] <= row) & (row <= reaches[:, 3])
        )  # fmt: skip
        wanted = wanted[wanted // 300 == tile // (columns * rows)]
        assert sorted(inside) == wanted.tolist()


def test_what_is_not_finite_is_left_out(cloud):
    light = drawn(tiled(cloud), False)[0].numpy()
    for name, dtype in [("means", wp.vec3), ("rotations", wp.vec4), ("scales", wp.vec3),
                        ("opacities", float), ("colours", wp.vec3)]:  # fmt: skip
        spoilt, spared = (
            {n: getattr(cloud, n) for n in cloud.__dataclass_fields__} for _ in range(2)
        )
        values = getattr(cloud, name).numpy().copy()
        values[0, :5] = np.nan
        spoilt[name] = array(values, dtype)
        clear = cloud.opacities.numpy().copy()
        clear[0, :5] = 0
        spared["opacities"] = array(clear, float)
        a, b = (drawn(tiled(Cloud(**c)), False)[0].numpy() for c in (spoilt, spared))
        assert np.array_equal(a, b), name
        assert not np.array_equal(a, light)
