"""Smoothed poses: constants stay, the world may move, steady turning is late as stated."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.capture.localisation.head_crops import HEAD_CENTRE
from mien_training.capture.over_time.pose_filter import PoseSmoothing, middle_pose, smooth_pose

RNG = np.random.default_rng(1)
CONFIG = PoseSmoothing()


def pose_of(vector, place):
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.from_rotvec(vector).as_matrix(), place
    return pose


def through(poses, dt_s=1 / 30):
    state, out = None, []
    for pose in poses:
        smooth, state = smooth_pose(pose, dt_s, state, CONFIG)
        out.append(smooth)
    return np.array(out)


def walk(count=30):
    turns = np.cumsum(RNG.normal(0, 0.05, (count, 3)), 0)
    places = np.cumsum(RNG.normal(0, 0.005, (count, 3)), 0)
    return np.array([pose_of(v, p) for v, p in zip(turns, places, strict=True)])


def test_a_still_head_stays():
    pose = pose_of([0.1, 0.5, -0.2], [0.1, 1.5, 2])
    np.testing.assert_allclose(through([pose] * 10), [pose] * 10, atol=1e-12)


def test_results_are_rigid_and_commute_with_motions_of_the_world():
    poses, world = walk(), pose_of([1, -2, 0.5], [3, 4, 5])
    smooth = through(poses)
    turn = smooth[:, :3, :3]
    np.testing.assert_allclose(turn @ turn.transpose(0, 2, 1), np.tile(np.eye(3), (30, 1, 1)),
                               atol=1e-12)  # fmt: skip
    np.testing.assert_allclose(through(world @ poses), world @ smooth, atol=1e-10)


def test_steady_motion_is_late_by_the_stated_lag():
    times = np.arange(120) / 30
    speed, pace = 0.4, 0.05
    poses = []
    for t in times:  # the middle of the head moves straight, the head turns
        pose = pose_of([0, speed * t, 0], [0, 0, 0])
        pose[:3, 3] = [pace * t, 0, 0] - pose[:3, :3] @ HEAD_CENTRE
        poses.append(pose)
    last = through(poses)[-1]
    turned = Rotation.from_matrix(last[:3, :3]).as_rotvec()[1]
    assert times[-1] - turned / speed == pytest.approx(CONFIG.turn.lag_s(speed), rel=0.02)
    middle = (last[:3, :3] @ HEAD_CENTRE + last[:3, 3])[0]
    assert times[-1] - middle / pace == pytest.approx(CONFIG.place.lag_s(pace), rel=0.02)


def test_noise_of_a_still_head_shrinks():
    noise = [pose_of(RNG.normal(0, 0.003, 3), RNG.normal(0, 3e-4, 3)) for _ in range(200)]
    out = through(noise)
    assert out[30:, :3, 3].std() < 0.65 * np.array(noise)[30:, :3, 3].std()
    assert out[30:, 0, 2].std() < 0.65 * np.array(noise)[30:, 0, 2].std()


def test_the_middle_of_two_poses_does_not_prefer_either():
    a, b = walk(2)
    np.testing.assert_allclose(middle_pose(a, b), middle_pose(b, a), atol=1e-12)
    np.testing.assert_allclose(middle_pose(a, b, 0.0), a, atol=1e-12)
    np.testing.assert_allclose(middle_pose(a, b, 1.0), b, atol=1e-12)


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="finite"):
        smooth_pose(np.full((4, 4), np.nan), 1.0, None, CONFIG)
    with pytest.raises(InputError, match=r"expected \(4, 4\)"):
        smooth_pose(np.eye(3), 1.0, None, CONFIG)
    _, state = smooth_pose(np.eye(4), 1.0, None, CONFIG)
    with pytest.raises(InputError, match="time must increase"):
        smooth_pose(np.eye(4), 0.0, state, CONFIG)
