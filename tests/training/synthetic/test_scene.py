"""Scenes: functions of their seed, constant over a sequence, heads in view."""

import dataclasses

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras.camera import project
from mien_training.rendering.head_renderer import HeadRenderer
from mien_training.synthetic.scene import RandomScene


def test_everything_is_a_function_of_the_seed(plain_rig):
    renderer = HeadRenderer(plain_rig)

    def picture(seed, frame=0):
        scene = RandomScene(seed, "strong", size=128)
        return scene.render(renderer, plain_rig.vertices, scene.camera(plain_rig.vertices), frame)

    assert np.array_equal(picture(4), picture(4))
    assert not np.array_equal(picture(4), picture(5))
    assert RandomScene(4).look == RandomScene(4).look != RandomScene(5).look


def test_only_the_noise_changes_within_a_sequence(plain_rig):
    flat = np.full((96, 96, 3), 120, np.uint8)
    noisy = next(
        s for s in (RandomScene(i, "strong", size=96) for i in range(50))
        if np.ptp(s.degradation.apply(flat).astype(int)) > 20
    )  # fmt: skip
    a, b = (noisy.degradation.apply(flat, frame).astype(float) for frame in (0, 1))
    assert not np.array_equal(a, b)
    assert np.allclose(a.mean((0, 1)), b.mean((0, 1)), atol=2.0)


@pytest.mark.parametrize("strength", ["mild", "strong"])
def test_heads_are_in_view_and_large_enough(plain_rig, strength):
    for seed in range(40):
        camera = RandomScene(seed, strength).camera(plain_rig.vertices)
        pixels, depth = project(camera, plain_rig.vertices)
        assert (depth > 0).all()
        height = np.ptp(pixels[:, 1]) / camera.height
        assert 0.3 < height < 1.35
        middle = pixels.mean(0) / camera.width
        assert (np.abs(middle - 0.5) < 0.35).all()


def test_strong_scenes_vary_more():
    def spread(strength):
        return np.std([np.log(RandomScene(i, strength).light.exposure) for i in range(80)])

    assert spread("strong") > 1.5 * spread("mild")


def test_poor_cameras_lose_detail_but_keep_size():
    checks = np.repeat((np.indices((96, 96)).sum(0) % 2 * 255).astype(np.uint8)[..., None], 3, -1)
    results = [RandomScene(i, "strong", size=96).degradation.apply(checks) for i in range(40)]
    assert all(r.shape == checks.shape and r.dtype == np.uint8 for r in results)
    contrast = np.array([np.abs(np.diff(r[..., 1].astype(float), axis=1)).mean() for r in results])
    assert (contrast < 60).sum() >= 5
    assert (contrast > 180).sum() >= 5


def test_lights_are_finite_and_unit(plain_rig):
    for seed in range(50):
        light = RandomScene(seed, "strong").light.lighting
        assert np.allclose(np.linalg.norm(light.directions, axis=1), 1, atol=1e-5)
        assert (light.colours >= 0).all()
        assert min(light.ambient_up + light.ambient_down) > 0


def test_scene_is_frozen_and_checked():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RandomScene(0).seed = 1
    with pytest.raises(InputError, match="strength"):
        RandomScene(0, "wild")
    with pytest.raises(InputError, match="size"):
        RandomScene(0, size=4)
