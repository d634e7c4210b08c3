"""Kalibr's chains of cameras: round trips, and files that are damaged."""

import numpy as np
import pytest
import yaml
from support.foreign_cameras import LENSES, assert_same_views, lens_of, random_cameras

from mien.errors import InputError
from mien_training.cameras.camera import Camera
from mien_training.cameras.imports.kalibr import is_kalibr, read_kalibr
from mien_training.cameras.lens import camera_with_lens


def chain(lens="radial"):
    """The file's content, and its cameras in the world of the first."""
    cameras = list(random_cameras(LENSES[lens], 7).values())
    content, last = {}, None
    first = np.linalg.inv(cameras[0].camera_from_world)
    expected = []
    for number, camera in enumerate(cameras):
        (fx, _, cx), (_, fy, cy), _ = camera.K.tolist()
        terms = lens_of(camera)
        entry = {
            "camera_model": "pinhole", "intrinsics": [fx, fy, cx - 0.5, cy - 0.5],
            "distortion_model": "radtan", "rostopic": "/cam/image_raw",
            "distortion_coeffs": [terms.k1, terms.k2, terms.p1, terms.p2],
            "resolution": [camera.width, camera.height],
        }  # fmt: skip
        if last is not None:
            step = camera.camera_from_world @ np.linalg.inv(last.camera_from_world)
            entry["T_cn_cnm1"] = step.tolist()
        content[f"cam{number}"] = entry
        pose = camera.camera_from_world @ first
        plain = Camera(camera.K, pose, camera.width, camera.height)
        expected.append(camera_with_lens(plain, terms))
        last = camera
    return content, expected


def written(tmp_path, content):
    path = tmp_path / "camchain.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("lens", ["radial", "tangential"])
def test_round_trip(tmp_path, lens):
    content, expected = chain(lens)
    found = read_kalibr(written(tmp_path, content))
    assert is_kalibr(content) and [one.picture for one in found] == ["cam0", "cam1", "cam2", "cam3"]
    for one, camera in zip(found, expected, strict=True):
        assert_same_views(one.camera, camera)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"camera_model": "omni"}, "cam1: camera_model 'omni' .* is not supported"),
        ({"distortion_model": "equidistant"}, "'equidistant' is not supported, expected 'pinhole'"),
        ({"T_cn_cnm1": None}, "cam1: field 'T_cn_cnm1' is missing"),
        ({"T_cn_cnm1": [[1, 0, 0]]}, "field 'T_cn_cnm1' must be 4 rows of 4"),
        ({"T_cn_cnm1": np.diag([1, 1, -1, 1]).tolist()}, "cam1: the pose .*it mirrors"),
        ({"intrinsics": None}, "field 'intrinsics' is missing"),
        ({"intrinsics": [1, 2]}, "field 'intrinsics' has 2 items, expected 4"),
        ({"resolution": [640.5, 480]}, "field 'resolution'"),
        ({"distortion_coeffs": None}, "field 'distortion_coeffs' is missing"),
        ({"distortion_coeffs": [0.1]}, "has 1 items, expected 4"),
    ],
)
def test_damaged_files(tmp_path, change, message):
    content, _ = chain()
    cam1 = {**content["cam1"], **change}
    content["cam1"] = {key: value for key, value in cam1.items() if value is not None}
    with pytest.raises(InputError, match=message) as caught:
        read_kalibr(written(tmp_path, content))
    assert "camchain.yaml" in str(caught.value)


def test_a_chain_with_a_gap(tmp_path):
    content, _ = chain()
    del content["cam1"]
    with pytest.raises(InputError, match=r"cameras \[0, 2, 3\], expected cam0, cam1"):
        read_kalibr(written(tmp_path, content))
