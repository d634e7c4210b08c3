"""transforms.json: round trips, OpenGL's axes, what frames may leave out, damaged files."""

import json
import math

import numpy as np
import pytest
from PIL import Image
from support.foreign_cameras import (
    LENSES,
    PICTURES,
    assert_same_views,
    random_cameras,
    write_transforms,
)

from mien.errors import InputError
from mien_training.cameras.camera import project
from mien_training.cameras.imports.transforms import read_transforms


@pytest.mark.parametrize("lens", ["none", "radial", "tangential", "five"])
def test_round_trip(tmp_path, lens):
    cameras = random_cameras(LENSES[lens], 9)
    found = read_transforms(write_transforms(tmp_path / "transforms.json", cameras))
    for one, name in zip(found, PICTURES, strict=True):
        assert one.picture == f"./images/{name}"
        assert_same_views(one.camera, cameras[name])


POSE = [[1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 1]]
FRAME = {"file_path": "images/a.png", "transform_matrix": POSE}
SHARED = {"w": 100, "h": 50, "fl_x": 120.0}


def written(tmp_path, frame=FRAME, **shared):
    content = {**SHARED, **shared}
    frames = frame if isinstance(frame, list) else [frame]
    content = {"frames": frames, **{k: v for k, v in content.items() if v is not None}}
    path = tmp_path / "transforms.json"
    path.write_text(json.dumps(content))
    return path


def test_the_axes_are_opengls(tmp_path):
    """A camera at (0.5, 0, 2) that looks along -z: up in the world is up in the image."""
    (one,) = read_transforms(written(tmp_path))
    np.testing.assert_allclose(one.camera.centre, (0.5, 0, 2))
    pixels, depth = project(one.camera, [[0.5, 0, 0], [0.5, 0.1, 0], [0.6, 0, 0]])
    np.testing.assert_allclose(pixels, [[50, 25], [50, 19], [56, 25]], atol=1e-9)
    np.testing.assert_allclose(depth, 2)


def test_what_a_frame_says_goes_first(tmp_path):
    frames = [
        {**FRAME, "fl_x": 240.0, "fl_y": 250.0, "cx": 40},
        {**FRAME, "file_path": "b", "camera_angle_x": math.pi / 2, "k1": 0.1},
    ]
    a, b = read_transforms(written(tmp_path, frames, cx=51.0, cy=20, camera_angle_x=1.0))
    np.testing.assert_array_equal(a.camera.K, [[240, 0, 40], [0, 250, 20], [0, 0, 1]])
    np.testing.assert_allclose(b.camera.K, [[50, 0, 51], [0, 50, 20], [0, 0, 1]])
    assert (a.camera.k1, b.camera.k1) == (0, 0.1)


def test_the_original_nerf_has_angle_and_pictures_only(tmp_path):
    (tmp_path / "train").mkdir()
    Image.new("L", (80, 40)).save(tmp_path / "train/r_0.png")
    frame = {**FRAME, "file_path": "./train/r_0", "rotation": 0.1}
    bare = dict.fromkeys(SHARED)
    (one,) = read_transforms(written(tmp_path, frame, **bare, camera_angle_x=math.pi / 2))
    np.testing.assert_allclose(one.camera.K, [[40, 0, 40], [0, 40, 20], [0, 0, 1]])
    with pytest.raises(InputError, match="field 'w' is missing, and there is no picture"):
        read_transforms(written(tmp_path, **bare, camera_angle_x=1.0))


MIRRORED = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 2], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("shared", "frame", "message"),
    [
        ({"fl_x": None}, {}, "field 'fl_x' is missing, expected it, pixels, or 'camera_angle_x'"),
        ({"fl_x": "120"}, {}, "field 'fl_x' is '120', expected a number"),
        ({"fl_x": -5}, {}, "field 'fl_x' is -5"),
        ({"fl_x": None, "camera_angle_x": 60}, {}, "field 'camera_angle_x' is 60"),
        ({"w": 0}, {}, "field 'w' is 0"),
        ({"w": 99.5}, {}, "'w' and 'h' are"),
        ({"w": 1e300}, {}, "field 'w'"),
        ({"cx": [1]}, {}, "field 'cx' is a list"),
        ({"camera_model": "OPENCV_FISHEYE"}, {}, "'OPENCV_FISHEYE' is not supported"),
        ({"is_fisheye": True}, {}, "is_fisheye is not supported"),
        ({"k4": 0.1}, {}, "field 'k4' is 0.1, the term of r"),
        ({"k1": -30}, {}, "the distortion folds"),
        ({}, {"file_path": ""}, r"frames\[0\]: field 'file_path'"),
        ({}, {"transform_matrix": MIRRORED}, "'transform_matrix' is not .*it mirrors"),
        ({}, {"transform_matrix": np.diag([2, 2, 2, 1]).tolist()}, "it scales by 2"),
        ({}, {"transform_matrix": np.diag([1, 2, 1, 1]).tolist()}, "not at right angles"),
        ({}, {"transform_matrix": POSE[:2]}, "must be 4 rows, or 3, of 4 numbers"),
        ({}, {"transform_matrix": [["a"] * 4] * 4}, "must be 4 rows, or 3, of 4 numbers"),
        ({}, {"transform_matrix": None}, "field 'transform_matrix' is null"),
    ],
)
def test_damaged_files(tmp_path, shared, frame, message):
    with pytest.raises(InputError, match=message) as caught:
        read_transforms(written(tmp_path, {**FRAME, **frame}, **shared))
    assert "transforms.json: frames[0]" in str(caught.value)


def test_no_frames_and_frames_twice(tmp_path):
    with pytest.raises(InputError, match="field 'frames' is empty"):
        read_transforms(written(tmp_path, []))
    with pytest.raises(InputError, match=r"frames\[1\]: picture 'images/a.png' is there already"):
        read_transforms(written(tmp_path, [FRAME, FRAME]))
    (tmp_path / "nan.json").write_text('{"frames": [{"file_path": NaN}]}')
    with pytest.raises(InputError, match="NaN is not a number that JSON has"):
        read_transforms(tmp_path / "nan.json")
