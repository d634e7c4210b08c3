"""Cameras for splats: any object with K and camera_from_world, without distortion."""

from types import SimpleNamespace

import numpy as np
import pytest

from mien.avatar import Pinhole
from mien.avatar.pinhole import camera_arrays
from mien.errors import InputError

K = np.array([[100.0, 0, 32], [0, 90, 24], [0, 0, 1]])


def test_arrays_of_several_cameras():
    turned = np.eye(4)
    turned[:3, 3] = (1, 2, 3)
    poses, lenses = camera_arrays([Pinhole(K, np.eye(4)), Pinhole(2 * K, turned)])
    assert poses.dtype == lenses.dtype == np.float32
    assert np.array_equal(poses[1], turned)
    assert lenses.tolist() == [[100, 90, 32, 24], [200, 180, 64, 48]]


def test_other_cameras_serve_too():
    other = SimpleNamespace(K=K, camera_from_world=np.eye(4), k1=0.0, k2=0.0, width=1)
    assert camera_arrays([other])[1].tolist() == [[100, 90, 32, 24]]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"K": np.eye(2)}, r"K \(2, 2\)"),
        ({"camera_from_world": np.eye(3)}, r"camera_from_world \(3, 3\)"),
        ({"K": np.full((3, 3), np.nan)}, "finite"),
        ({"K": np.diag([-1.0, 1, 1])}, "focal lengths -1.0"),
        ({"K": np.array([[1.0, 0.1, 0], [0, 1, 0], [0, 0, 1]])}, "skew"),
        ({"k1": 0.1}, "undistort"),
        ({"lens": (0.1,)}, "undistort"),
        ({"k2": 0.1}, "undistort"),
    ],
)
def test_wrong_cameras_are_refused(change, text):
    camera = SimpleNamespace(**{"K": K, "camera_from_world": np.eye(4), **change})
    with pytest.raises(InputError, match=text):
        camera_arrays([camera])
