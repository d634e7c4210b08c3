"""The fitted person stands in the footage where the fit put them."""

import numpy as np
import pytest
import torch
from support.rig_scene import FRAMES, SIDE, recorded_scene, small_person

from mien_training.cameras.camera import project
from mien_training.rig.report.fitted_scene import FittedScene, choose_frames


@pytest.fixture(scope="module")
def scene():
    filmed = recorded_scene(small_person())
    return FittedScene.of(filmed.person, filmed.seen, filmed.fit)


def test_the_rigs_points_are_the_trackers_where_the_fit_is_right(scene):
    rows = torch.tensor([0, 5, FRAMES])
    pixels, squarely = scene.landmark_points(rows)
    clear = squarely > 0.3
    apart = np.linalg.norm(pixels - scene.seen.points[rows].numpy(), axis=2)
    assert clear.any(1).all() and np.median(apart[clear]) < 0.3


def test_a_camera_in_rig_space_sees_what_the_camera_sees_of_the_posed_head(scene):
    row = FRAMES + 5
    face = scene.person.vertices + np.tensordot(scene.weights[row], scene.person.shape_deltas, 1)
    pixels, _ = project(scene.camera_at(row), face)
    chosen = torch.tensor([row])
    expected = scene.seen.views.pixels(scene.seen.camera[chosen], scene.posed(chosen))[0]
    np.testing.assert_allclose(pixels, expected.numpy(), atol=0.01)


def test_times_are_on_one_clock(scene):
    times = scene.times_s
    np.testing.assert_allclose(times[FRAMES:] - times[:FRAMES], 0.004, atol=1e-6)


def test_the_picture_shows_the_head_on_the_ground_it_is_given(scene):
    ground = torch.full((1, SIDE, SIDE, 3), 0.1)
    rendered = scene.render(torch.tensor([2]), ground)
    empty = rendered.coverage == 0
    assert (rendered.colour[empty] == 0.1).all() and (rendered.triangle >= 0).any()


def test_frames_differ_and_cameras_take_turns():
    weights = np.zeros((9, 2), np.float32)
    weights[:, 0] = [0, 0.1, 1, 0, 0.5, 0.1, 0.9, 0, 0]
    camera = np.repeat([0, 1, 2], 3)
    chosen = choose_frames(weights, camera, 3)
    assert sorted(camera[chosen]) == [0, 1, 2] and 0 in chosen
    assert len(choose_frames(weights, camera, 6)) == 6
    assert (np.diff(choose_frames(weights, camera, 20)) > 0).all()
    assert list(choose_frames(weights, camera, 20)) == list(range(9))
    assert {0, 2} <= set(choose_frames(weights[:3], camera[:3], 2))
