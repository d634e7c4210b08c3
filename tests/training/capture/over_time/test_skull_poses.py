"""Poses read from the skull: exact for rigid motion, blind to what a face does, frame kept."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.capture.over_time.skull_poses import align_to_skull, in_head, skull_poses

RNG = np.random.default_rng(0)
SKULL = RNG.normal(0, 0.08, (30, 3))


def moved(count=6, rng=RNG):
    pose = np.tile(np.eye(4), (count, 1, 1))
    pose[:, :3, :3] = Rotation.random(count, rng).as_matrix()
    pose[:, :3, 3] = rng.normal(0, 0.3, (count, 3))
    return pose, SKULL @ pose[:, :3, :3].transpose(0, 2, 1) + pose[:, None, :3, 3]


def test_rigid_motion_is_found_exactly_and_outliers_have_no_say():
    pose, at = moved()
    np.testing.assert_allclose(align_to_skull(at, SKULL, np.ones(30)), pose, atol=1e-12)
    at[:, :4] += 0.03  # brows went up
    found = align_to_skull(at, SKULL, np.ones(30))
    np.testing.assert_allclose(found, pose, atol=2e-4)


def test_moments_do_not_mix_and_weights_scale_freely():
    _, at = moved()
    at = at + RNG.normal(0, 1e-3, at.shape)
    weights = RNG.uniform(0.1, 1, at.shape[:2])
    together = align_to_skull(at, SKULL, weights)
    alone = [align_to_skull(a[None], SKULL, w)[0] for a, w in zip(at, weights, strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-12)
    np.testing.assert_allclose(align_to_skull(at, SKULL, 7 * weights), together, atol=1e-12)


def test_a_takes_poses_are_better_than_those_they_start_from_in_the_same_frame():
    pose, at = moved(40)
    noise = Rotation.from_rotvec(RNG.normal(0, 0.02, (40, 3)))
    start = pose.copy()
    start[:, :3, :3] = pose[:, :3, :3] @ noise.as_matrix()
    start[:, :3, 3] += RNG.normal(0, 0.003, (40, 3))
    found, skull = skull_poses(at, start, np.ones(30))
    np.testing.assert_allclose(in_head(at, found), np.tile(skull, (40, 1, 1)), atol=1e-6)
    change = pose[:, :3, :3].transpose(0, 2, 1) @ found[:, :3, :3]
    # One turn for all of them, no larger than the mean of 40 errors.
    np.testing.assert_allclose(change, np.tile(change[0], (40, 1, 1)), atol=1e-6)
    assert Rotation.from_matrix(change[0]).magnitude() < 0.012


def test_the_frame_stays_where_poses_were_right_already():
    pose, at = moved(5)
    found, skull = skull_poses(at, pose, np.ones(30))
    np.testing.assert_allclose(found, pose, atol=1e-9)
    np.testing.assert_allclose(skull, SKULL, atol=1e-9)
    one, _ = skull_poses(at[:1], pose[:1], np.ones(30))
    np.testing.assert_allclose(one, pose[:1], atol=1e-9)


def test_a_rigid_motion_of_the_world_goes_through():
    pose, at = moved(6)
    at = at + RNG.normal(0, 1e-3, at.shape)
    world = moved(1)[0][0]
    found, _ = skull_poses(at, pose, np.ones(30))
    again, _ = skull_poses(at @ world[:3, :3].T + world[:3, 3], world @ pose, np.ones(30))
    np.testing.assert_allclose(again, world @ found, atol=1e-9)


def test_nonsense_is_refused():
    pose, at = moved(2)
    with pytest.raises(InputError, match="not finite"):
        align_to_skull(np.full_like(at, np.nan), SKULL, np.ones(30))
    with pytest.raises(InputError, match="weights"):
        align_to_skull(at, SKULL, np.zeros(30))
    with pytest.raises(InputError, match="at least three"):
        align_to_skull(at[:, :2], SKULL[:2], np.ones(2))
    with pytest.raises(InputError, match="world_from_head"):
        skull_poses(at, pose[:1], np.ones(30))
    with pytest.raises(InputError, match="at least one"):
        skull_poses(at[:0], pose[:0], np.ones(30))
