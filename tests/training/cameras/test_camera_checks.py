"""Poses and intrinsics of no camera are refused, and the message says why."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras.camera_checks import check_intrinsics, check_pose


def pose(change):
    matrix = np.eye(4)
    matrix[:3, 3] = (1.0, -2.0, 3.0)
    change(matrix)
    return matrix


def set_to(*place, value):
    return lambda matrix: matrix.__setitem__(place, value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (set_to(0, 0, value=-1.0), "mirrors"),
        (set_to(slice(0, 3), slice(0, 3), value=2 * np.eye(3)), "it scales by 2,"),
        (set_to(0, 1, value=0.3), "axes are not at right angles"),
        (set_to(slice(0, 3), slice(0, 3), value=0.0), "axes are not at right angles"),
        (set_to(3, 0, value=1.0), "its last row is wrong"),
        (set_to(0, 3, value=np.nan), "numbers that no pose has"),
        (set_to(0, 3, value=1e12), "numbers that no pose has"),
    ],
)
def test_poses_that_are_none(change, why):
    with pytest.raises(InputError, match=rf"a\.txt: pose .*{why}.*expected \[R t\]"):
        check_pose(pose(change), "a.txt: pose")


def test_poses_pass_up_to_rounding():
    check_pose(pose(lambda m: None), "a")
    check_pose(pose(set_to(0, 1, value=4e-4)), "a")


@pytest.mark.parametrize(
    "bad",
    [
        [[0.8, 0, 0.5], [0, 0.8, 0.5], [0, 0, 1]],
        [[-500, 0, 320], [0, 500, 240], [0, 0, 1]],
        [[500, 0, 320], [0, 1e9, 240], [0, 0, 1]],
        [[500, 0, np.nan], [0, 500, 240], [0, 0, 1]],
        [[500, 0, 320], [0, 500, 240], [0, 0, 2]],
        [[500, 0, 320], [3, 500, 240], [0, 0, 1]],
    ],
)
def test_intrinsics_of_no_camera(bad):
    with pytest.raises(InputError, match=r"a\.txt: K is no camera's.* in pixels"):
        check_intrinsics(np.array(bad, float), 640, 480, "a.txt: K")
