"""Camera files: read as written, refused with the field named."""

import json

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras.calibration import calibration_json, read_calibration, scaled
from mien_training.cameras.camera import Camera
from mien_training.cameras.lens import Lens, LensCamera


def one(**change):
    camera = {
        "file": "left.mp4", "width": 640, "height": 480,
        "K": [[500, 0, 320], [0, 500, 240], [0, 0, 1]],
        "camera_from_world": [[1, 0, 0, 10], [0, 1, 0, 0], [0, 0, 1, 50], [0, 0, 0, 1]],
    }  # fmt: skip
    camera.update(change)
    return {k: v for k, v in camera.items() if v is not None}


TRANSPOSED = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [10, 0, 50, 1]]
MIRRORED = [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 5], [0, 0, 0, 1]]


def written(tmp_path, content):
    path = tmp_path / "cal.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_units_become_metres(tmp_path):
    found = read_calibration(written(tmp_path, {"unit_m": 0.01, "cameras": [one(k1=0.1)]}))
    camera = found.cameras["left.mp4"]
    assert found.unit_m == 0.01 and camera.k1 == 0.1 and camera.k2 == 0.0
    np.testing.assert_allclose(camera.camera_from_world[:3, 3], [0.1, 0, 0.5])
    np.testing.assert_allclose(scaled(camera, 2).camera_from_world[:3, 3], [0.2, 0, 1.0])
    assert read_calibration(written(tmp_path, {"unit_m": None, "cameras": [one()]})).unit_m is None


def test_masks_lie_beside_the_file(tmp_path):
    cameras = [one(mask="left_mask.png"), one(file="right.png")]
    found = read_calibration(written(tmp_path, {"unit_m": 1, "cameras": cameras}))
    assert found.masks == {"left.mp4": tmp_path / "left_mask.png"}


def test_what_is_written_is_read(tmp_path):
    pose = np.eye(4)
    pose[:3, 3] = (0.1, 1 / 3, 2.0)
    K = np.array([[500.1, 0, 320.2], [0, 501.3, 240.4], [0, 0, 1]])
    lens = Lens(-0.1, 0.2, 0.001, 0.0, 0.3, 1e-7)
    cameras = {
        "a.mp4": Camera(K, pose, 640, 480, 0.1, -0.01),
        "b.mp4": LensCamera(K, pose, 640, 480, lens=lens),
    }
    path = tmp_path / "cal.json"
    path.write_bytes(calibration_json(cameras, None, {"b.mp4": "b_mask.png"}))
    found = read_calibration(path)
    assert found.unit_m is None and found.masks == {"b.mp4": tmp_path / "b_mask.png"}
    for name, camera in cameras.items():
        other = found.cameras[name]
        np.testing.assert_array_equal(other.K, camera.K)
        np.testing.assert_array_equal(other.camera_from_world, camera.camera_from_world)
        assert (other.k1, other.k2, type(other)) == (camera.k1, camera.k2, type(camera))
    assert found.cameras["b.mp4"].lens == lens


def test_a_distortion_of_two_terms_is_k1_and_k2(tmp_path):
    one_camera = one(distortion={"k2": 0.02, "k1": 0.1})
    camera = read_calibration(written(tmp_path, {"cameras": [one_camera]})).cameras["left.mp4"]
    assert (type(camera), camera.k1, camera.k2) == (Camera, 0.1, 0.02)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ({"unit_m": 1}, "field 'cameras'"),
        ({"unit_m": 1, "cameras": []}, "at least one camera"),
        ({"unit_m": -1, "cameras": [one()]}, "unit_m"),
        ({"unit_m": 1, "cameras": [3]}, "camera 0: expected an object"),
        ({"unit_m": 1, "cameras": [one(file=None)]}, "file"),
        ({"unit_m": 1, "cameras": [one(), one()]}, "'left.mp4' has a camera already"),
        ({"unit_m": 1, "cameras": [one(K=None)]}, "field 'K' is missing"),
        ({"unit_m": 1, "cameras": [one(K=[[1, 2], [3, 4]])]}, "field 'K' must be 3 rows of 3"),
        ({"unit_m": 1, "cameras": [one(K=[["a"] * 3] * 3)]}, "field 'K' must be 3 rows of 3"),
        ({"unit_m": 1, "cameras": [one(camera_from_world=[[2.0] * 4] * 4)]}, "not a rotation"),
        ({"unit_m": 1, "cameras": [one(camera_from_world=TRANSPOSED)]}, "not a rotation"),
        ({"unit_m": 1, "cameras": [one(camera_from_world=MIRRORED)]}, "not a rotation"),
        ({"unit_m": 1, "cameras": [one(K=[[500, 0, 320], [0, 500, 240], [0] * 3])]}, "'K' is no"),
        ({"unit_m": 1, "cameras": [one(K=[[0.8, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])]}, "in pixels"),
        ({"unit_m": 1, "cameras": [one(K=[[-9, 0, 1], [0, 9, 1], [0, 0, 1]])]}, "camera 0.*'K'"),
        ({"unit_m": 1, "cameras": [one(K=[["500"] * 3] * 3)]}, "field 'K' must be 3 rows of 3"),
        ({"unit_m": 1, "cameras": [one(K=[[10**400] * 3] * 3)]}, "not valid JSON"),
        ({"unit_m": 1, "cameras": [one(K1=0.1)]}, "'K1' is unknown"),
        ({"unit_m": 1, "camera": [], "cameras": [one()]}, "'camera' is unknown"),
        ({"unit_m": 1, "cameras": [one(k1=0.1, distortion={})]}, "expected one of the two"),
        ({"unit_m": 1, "cameras": [one(distortion={"k9": 1})]}, "'k9' is unknown"),
        ({"unit_m": 1, "cameras": [one(distortion=[0.1])]}, "'distortion' is a list"),
        ({"unit_m": 1, "cameras": [one(distortion={"p1": "0"})]}, "distortion: field 'p1'"),
        ({"unit_m": 1, "cameras": [one(distortion={"k3": -20})]}, "'distortion' folds"),
        ({"unit_m": 1, "cameras": [one(k1=-2)]}, "'k1' or 'k2' folds"),
        ({"unit_m": 1, "cameras": [one(width=640.5)]}, "width"),
        ({"unit_m": 1, "cameras": [one(width=0)]}, "width"),
    ],
)
def test_damaged_files_are_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read_calibration(written(tmp_path, content))
    assert "cal.json" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.json"):
        read_calibration(tmp_path / "nowhere.json")
