"""Rigs laid over each other: what a similarity did is undone, what one camera did is not."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.sightings import MIDDLE, off_by, rig

from mien.errors import InputError
from mien_training.cameras.check.rig_gauge import _moved, align_rig, image_offsets

CLOUD = MIDDLE + np.random.default_rng(0).normal(0, 0.08, (40, 3))


def elsewhere(cameras, scale=1.1):
    move = np.eye(4)
    move[:3, :3] = scale * Rotation.from_rotvec([0.02, -0.05, 0.01]).as_matrix()
    move[:3, 3] = [0.02, -0.01, 0.03]
    return tuple(_moved(camera, move) for camera in cameras), move


def test_a_similarity_is_undone_and_cameras_stay_rigid():
    true = rig(4)
    moved, move = elsewhere(true)
    found, back = align_rig(true, moved, CLOUD)
    np.testing.assert_allclose(back @ move, np.eye(4), atol=1e-8)
    for a, b in zip(true, found, strict=True):
        np.testing.assert_allclose(a.camera_from_world, b.camera_from_world, atol=1e-8)


def test_one_camera_that_moved_has_moved_alone():
    true = rig(5)
    moved, _ = elsewhere([*true[:3], off_by(true[3], 0.005), true[4]], scale=1.0)
    found, _ = align_rig(true, moved, CLOUD)
    pixels, metres = image_offsets(true, found, CLOUD)
    assert np.delete(pixels, 3).max() < 0.1
    assert metres[3] == pytest.approx(0.005, rel=0.1)


def test_offsets_of_the_same_cameras_are_none():
    pixels, metres = image_offsets(rig(3), rig(3), CLOUD)
    assert not pixels.any() and not metres.any()


def test_nonsense_is_refused():
    true = rig(3)
    with pytest.raises(InputError, match="2 and 3 cameras"):
        align_rig(true[:2], true, CLOUD)
    behind = true[0].centre + 5 * (true[0].centre - MIDDLE) + 0.01 * CLOUD
    with pytest.raises(InputError, match="none of the points"):
        image_offsets(true[:1], true[:1], behind)
    with pytest.raises(InputError, match="none of the points"):
        align_rig(true[:1], true[:1], behind)
