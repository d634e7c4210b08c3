"""What every importer hands on: mien's conventions, rounded poses made exact."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.cameras.imports.foreign_camera import Pinhole, foreign_camera
from mien_training.cameras.lens import Lens, LensCamera

PINHOLE = Pinhole(640, 480, 500.0, 510.0, 320.0, 240.0, 0.5)


def test_rounded_rotations_become_exact():
    turn = Rotation.from_euler("xyz", (0.1, 0.7, -0.4)).as_matrix()
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn.round(4), (1, 2, 3)
    camera = foreign_camera("a\\b.png", PINHOLE, Lens(), pose, "f").camera
    found = camera.camera_from_world
    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(found[:3, :3], turn, atol=1e-4)
    np.testing.assert_array_equal(found[:3, 3], (1, 2, 3))
    np.testing.assert_array_equal(camera.K, [[500, 0.5, 320], [0, 510, 240], [0, 0, 1]])


def test_lenses_and_names():
    one = foreign_camera("a\\b.png", PINHOLE, Lens(p1=0.001), np.eye(4), "f")
    assert one.picture == "a/b.png" and isinstance(one.camera, LensCamera)
    with pytest.raises(InputError, match=r"f: '\.' names no picture"):
        foreign_camera(".", PINHOLE, Lens(), np.eye(4), "f")
    with pytest.raises(InputError, match="f: the distortion folds"):
        foreign_camera("a", PINHOLE, Lens(k4=-9.0), np.eye(4), "f")
