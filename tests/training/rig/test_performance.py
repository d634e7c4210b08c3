"""What a fit hands on: the person, posed, lands where the tracker saw them, in frames by index."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.rig_scene import FRAMES, SIDE, recorded_scene, small_person

from mien_training.cameras.camera import Camera, project
from mien_training.footage.face_crop import FaceCrop, SourceFrames
from mien_training.rendering.appearance import harmonics, srgb_from_linear
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.performance import performance_of
from mien_training.rig.skin_texture import white_light

SCALE = 4.0
"""Pixels of the file for one of the compared images'."""


@pytest.fixture(scope="module")
def scene():
    scene = recorded_scene(small_person())
    with torch.no_grad():
        scene.fit.model.appearance.light.copy_(0.3 * torch.randn(9, 3) + 2 * torch.eye(9)[:, :3])
        scene.fit.model.appearance.light[0] = torch.tensor([3.0, 2.5, 2.0])
        scene.fit.model.appearance.log_gain.fill_(0.2)
    return scene


@pytest.fixture(scope="module")
def sources(scene):
    """Files four times as large, of which every third frame was taken."""
    views, found = scene.seen.views, []
    for c in range(2):
        whole = np.array([[SCALE, 0, 30.0], [0, SCALE, 20.0], [0, 0, 1]])
        K = whole @ views.intrinsics[c].double().numpy()
        camera = Camera(K, views.camera_from_world[c].double().numpy(), 480, 440)
        crop = FaceCrop(camera, 30.0, 20.0, SCALE * SIDE)
        frames = 3 * np.arange(FRAMES) + c
        found.append(SourceFrames(f"{c}.mp4", crop, frames, frames / 45))
    return found


@pytest.fixture(scope="module")
def performance(scene, sources):
    motion = scene.fit.motion_at(scene.seen)
    sha256 = {"0.mp4": "a", "1.mp4": "b"}
    limits = RigFitConfig().limits
    return performance_of(scene.fit, scene.seen, motion, sources, sha256, "person", limits)


def test_the_posed_person_lands_on_the_trackers_points(scene, performance):
    rows = np.arange(2 * FRAMES)
    posed = performance.posed(scene.person, rows)
    for row in rows:
        filmed = performance.cameras[performance.camera[row]]
        places = scene.person.landmarks.positions(posed[row], scene.person.triangles)
        there = np.isfinite(places).all(1)
        pixels, _ = project(filmed.crop.view(SIDE), places[there])
        apart = np.linalg.norm(pixels - scene.seen.points[row].numpy()[there], axis=1)
        assert np.median(apart) < 0.3  # the scene's cameras disagree by 4 ms


def test_frames_and_times_are_those_of_the_files(scene, performance, sources):
    np.testing.assert_array_equal(performance.frame[:FRAMES], 3 * np.arange(FRAMES))
    np.testing.assert_array_equal(performance.frame[FRAMES:], 3 * np.arange(FRAMES) + 1)
    np.testing.assert_allclose(performance.clock_s, performance.frame / 45)
    offsets = np.repeat([0.0, 0.004], FRAMES)
    np.testing.assert_allclose(performance.time_s, scene.seen.times_s.numpy() + offsets, atol=1e-6)
    assert [c.offset_s for c in performance.cameras] == pytest.approx([0, 0.004])
    assert [(c.source, c.sha256) for c in performance.cameras] == [("0.mp4", "a"), ("1.mp4", "b")]


def test_lost_and_distrusted_frames_are_not_usable(scene, sources):
    errors = replace(scene.fit.errors, points_px=scene.fit.errors.points_px.clone())
    errors.points_px[4] = 50.0
    trusted = torch.ones(2 * FRAMES, dtype=torch.bool)
    trusted[7] = False
    seen, fit = replace(scene.seen, trusted=trusted), replace(scene.fit, errors=errors)
    found = performance_of(
        fit, seen, fit.motion_at(seen), sources, {"0.mp4": "a", "1.mp4": "b"}, "person",
        RigFitConfig().limits,
    )  # fmt: skip
    assert found.lost.nonzero()[0].tolist() == [4]
    assert sorted(set(range(2 * FRAMES)) - set(found.usable.tolist())) == [4, 7]


def test_the_light_is_that_of_the_fit_on_the_skins_texture(scene, performance):
    appearance = scene.fit.model.appearance
    normals = torch.nn.functional.normalize(torch.randn(50, 3), dim=-1)
    albedo = torch.rand(50, 3)
    with torch.no_grad():
        gain = appearance.log_gain[0].exp()
        expected = srgb_from_linear(albedo * (harmonics(normals) @ appearance.light) * gain)
        skin = albedo * white_light(appearance)
    light = torch.from_numpy(performance.light_of([FRAMES])[0])  # of the second camera
    found = srgb_from_linear(skin * (harmonics(normals) @ light))
    torch.testing.assert_close(found, expected)
    white = performance.light.harmonics[0] * 0.282095
    np.testing.assert_allclose(white, 1, rtol=1e-5)
