"""Drawn relief looks as the displaced mesh does, and is smooth where it is none."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.deform import vertex_normals
from mien.errors import InputError
from mien.rig import Material
from mien_training.cameras import look_at_camera
from mien_training.rendering import HeadRenderer
from mien_training.rendering.relief.drawn_relief import DrawnRelief

SIDE = 65


@pytest.fixture(scope="module")
def sheet(plain_rig):
    """A flat sheet of grey skin as a rig, and its places on the atlas."""
    at = np.linspace(0, 1, SIDE, dtype=np.float32)
    v, u = np.meshgrid(at, at, indexing="ij")
    points = np.stack([0.16 * (u - 0.5), 0.16 * (0.5 - v), 0 * u], -1).reshape(-1, 3)
    index = np.arange(SIDE * SIDE, dtype=np.int32).reshape(SIDE, SIDE)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    places = np.stack([u, v], -1).reshape(-1, 2)
    count = len(points)
    rig = replace(
        plain_rig, vertices=points, normals=vertex_normals(points, faces), uvs=places,
        triangles=faces, triangle_material=np.zeros(len(faces), np.int32),
        materials=(Material("skin", color=(0.4, 0.4, 0.4)),), shape_names=(),
        shape_deltas=np.zeros((0, count, 3), np.float32),
        joint_indices=np.zeros((count, 4), np.uint8),
        joint_weights=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
    )  # fmt: skip
    return rig, (0.02 + 0.96 * places).astype(np.float32)


CAMERA = look_at_camera((0.05, 0.02, 0.6), (0, 0, 0), 0.28, 160, 160)


def wave(places, metres):
    return (metres * np.sin(25 * places[:, 0]) * np.sin(21 * places[:, 1])).astype(np.float32)


def test_equals_the_displaced_mesh(sheet):
    rig, places = sheet
    at = (np.arange(128) + 0.5) / 128
    v, u = np.meshgrid(at, at, indexing="ij")
    height = wave(np.stack([u, v], -1).reshape(-1, 2), 2e-3).reshape(128, 128)
    renderer = HeadRenderer(rig, samples=1)
    renderer.set_ambient_occlusion(np.ones(len(rig.vertices), np.float32))
    smooth = renderer.render(rig.vertices, CAMERA).astype(float)
    truth = rig.vertices.copy()
    truth[:, 2] += wave(places, 2e-3)
    displaced = renderer.render(truth, CAMERA).astype(float)
    renderer.relief = DrawnRelief.of(places, rig.triangles, height)
    drawn = renderer.render(rig.vertices, CAMERA).astype(float)
    inside = (slice(30, 130), slice(30, 130))
    change = np.abs(displaced - smooth)[inside]
    assert change.mean() > 4  # codes of 255
    assert np.abs(drawn - displaced)[inside].mean() < 0.25 * change.mean()


def test_flat_relief_changes_nothing_and_small_images_see_its_mean(sheet):
    rig, places = sheet
    renderer = HeadRenderer(rig)
    smooth = renderer.render(rig.vertices, CAMERA)
    renderer.relief = DrawnRelief.of(places, rig.triangles, np.zeros((64, 64), np.float32))
    assert np.array_equal(renderer.render(rig.vertices, CAMERA), smooth)
    stripes = np.tile(np.float32([2e-5, -2e-5]), (128, 64))
    renderer.relief = DrawnRelief.of(places, rig.triangles, stripes)
    small = CAMERA.resized(24, 24)
    apart = renderer.render(rig.vertices, small).astype(int)
    renderer.relief = None
    apart -= renderer.render(rig.vertices, small).astype(int)
    assert np.abs(apart).max() <= 3


def test_moves_with_the_pose(sheet):
    rig, places = sheet
    height = np.random.default_rng(0).normal(0, 1e-4, (64, 64)).astype(np.float32)
    relief = DrawnRelief.of(places, rig.triangles, height)
    one = relief.struct(rig.vertices).gradients.numpy()
    assert np.array_equal(
        relief.struct(rig.vertices + np.float32(1)).gradients.numpy().shape, one.shape
    )
    half = relief.struct(2 * rig.vertices, more=3).gradients.numpy()
    np.testing.assert_allclose(half[: len(one)], 0.5 * one, rtol=1e-4, atol=1e-4)
    assert not half[len(one) :].any() and torch.isfinite(torch.from_numpy(half)).all()


@pytest.mark.parametrize("shape", [(64, 32), (8, 8), (20, 20)])
def test_other_shapes_are_refused(sheet, shape):
    rig, places = sheet
    with pytest.raises(InputError, match="expected \\(S, S\\)"):
        DrawnRelief.of(places, rig.triangles, np.zeros(shape, np.float32))
