"""OpenCV's YAML: round trips, what OpenCV itself writes, and files that are damaged."""

import cv2
import numpy as np
import pytest
from support.foreign_cameras import (
    LENSES,
    PICTURES,
    assert_same_views,
    opencv_fields,
    opencv_matrix,
    random_cameras,
    write_opencv,
)

from mien.errors import InputError
from mien_training.cameras.imports.opencv import read_opencv


@pytest.mark.parametrize("pose", ["RT", "rvec", "extrinsics"])
@pytest.mark.parametrize("lens", ["none", "radial", "rational"])
def test_round_trip_of_a_file_for_each_camera(tmp_path, pose, lens):
    cameras = random_cameras(LENSES[lens], 5)
    paths = [
        write_opencv(tmp_path / f"{name[:-4]}.yml", camera, pose)
        for name, camera in cameras.items()
    ]
    found = read_opencv(paths)
    assert [f"{one.picture}.png" for one in found] == list(PICTURES)
    for one, camera in zip(found, cameras.values(), strict=True):
        assert_same_views(one.camera, camera)


@pytest.mark.parametrize("listed", [False, True])
def test_round_trip_of_a_map_and_of_a_list(tmp_path, listed):
    cameras = random_cameras(LENSES["five"], 6)
    lines = ["%YAML:1.0", "---", "count: 4", *(["cameras:"] * listed)]
    for name, camera in cameras.items():
        fields = opencv_fields(camera, indent="      ")
        lines += ["   -", f'      name: "{name}"'] if listed else [f"{name[:-4]}:"]
        lines += fields
    path = tmp_path / "rig.yml"
    path.write_text("\n".join(lines))
    found = read_opencv([path])
    assert [one.picture for one in found] == [n if listed else n[:-4] for n in PICTURES]
    for one, camera in zip(found, cameras.values(), strict=True):
        assert_same_views(one.camera, camera)


def test_what_opencv_itself_writes_and_projects(tmp_path):
    """The picture of a point, by OpenCV, lies half a pixel from ours: other pixel centres."""
    K = np.array([[800.0, 0, 320], [0, 810, 240], [0, 0, 1]])
    D = np.array([[-0.1, 0.02, 0.001, -0.002, 0.01]])
    rvec, tvec = np.array([[0.1], [0.2], [-0.3]]), np.array([[0.1], [0.0], [2.0]])
    path = tmp_path / "opencv.yml"
    file = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for name, value in {
        "image_width": 640, "image_height": 480, "camera_matrix": K, "board": np.zeros((3, 2)),
        "distortion_coefficients": D, "rvec": rvec, "tvec": tvec, "flags": "none",
    }.items():  # fmt: skip
        file.write(name, value)
    file.release()
    (one,) = read_opencv([path])
    points = np.random.default_rng(0).normal(0, 0.2, (20, 3))
    seen, _ = cv2.projectPoints(points, rvec, tvec, K, D)
    from mien_training.cameras.camera import project

    np.testing.assert_allclose(project(one.camera, points)[0], seen[:, 0] + 0.5, atol=1e-9)


def test_one_camera_needs_no_pose_and_several_do(tmp_path):
    camera = random_cameras(LENSES["none"])[PICTURES[0]]
    paths = [write_opencv(tmp_path / f"{name}.yml", camera, "none") for name in "ab"]
    (one,) = read_opencv(paths[:1])
    np.testing.assert_array_equal(one.camera.camera_from_world, np.eye(4))
    with pytest.raises(InputError, match=r"a\.yml: the pose is missing, expected R and T, rvec"):
        read_opencv(paths)


def test_ros_writes_matrices_without_a_tag(tmp_path):
    path = tmp_path / "ros.yaml"
    path.write_text(
        "image_width: 640\nimage_height: 480\ncamera_name: narrow\n"
        "camera_matrix: {rows: 3, cols: 3, data: [500, 0, 319.5, 0, 500, 239.5, 0, 0, 1]}\n"
        "distortion_model: plumb_bob\n"
        "distortion_coefficients: {rows: 1, cols: 5, data: [1e-05, 0, 0, 0, 0]}\n"
    )
    (one,) = read_opencv([path])
    assert one.picture == "narrow" and one.camera.k1 == 1e-5
    np.testing.assert_array_equal(one.camera.K[:2, 2], (320, 240))


GOOD = {
    "image_size": "[640, 480]",
    "K": "[[500, 0, 320], [0, 500, 240], [0, 0, 1]]",
    "D": "[0.1, 0, 0, 0]",
    "R": "[[1, 0, 0], [0, 1, 0], [0, 0, 1]]",
    "T": "[0, 0, 2]",
}
MIRRORED = "[[-1, 0, 0], [0, 1, 0], [0, 0, 1]]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"K": None}, "no camera: expected field 'camera_matrix' or 'K'.*it has image_size, D"),
        ({"K": "[[500, 0], [0, 500]]"}, "field 'K' must be 3 rows of 3 finite numbers"),
        ({"K": "[[500, 0, .nan], [0, 500, 9], [0, 0, 1]]"}, "field 'K' must be 3 rows of 3"),
        ({"K": "[[500, 0, 9], [0, 1e300, 9], [0, 0, 1]]"}, "intrinsics is no camera's: focal"),
        ({"K": "[[1, 0, 0], [1, 1, 0], [0, 0, 1]]"}, "field 'K' is no camera matrix"),
        ({"K": "!!opencv-matrix {rows: 3, cols: 3, dt: d, data: [1, 2]}"}, "has 2 items, expected"),
        ({"K": "!!opencv-matrix {rows: 99999999, cols: 3, dt: d, data: []}"}, "'rows' is 99999999"),
        ({"camera_matrix": "[[1]]"}, "fields 'camera_matrix' and 'K' mean the same"),
        ({"image_size": None}, "field 'image_width' or 'width' is missing"),
        ({"image_size": "[640.5, 480]"}, "expected width and height"),
        ({"image_size": "[640]"}, "field 'image_size' has 1 items, expected 2"),
        ({"D": "[1, 2, 3]"}, "field 'D' has 3 terms, expected 0, 4, 5 or 8"),
        ({"D": "[a, 0, 0, 0]"}, r"field 'D\[0\]' is 'a', expected a number"),
        ({"D": "[-40, 0, 0, 0]"}, "the distortion folds the image"),
        ({"distortion_model": "equidistant"}, "fisheye lenses are not supported"),
        ({"fisheye_model": "1"}, "'fisheye_model' fisheye lenses are not supported"),
        ({"R": MIRRORED}, "the pose is not a rotation and a shift: it mirrors"),
        ({"R": "[[2, 0, 0], [0, 2, 0], [0, 0, 2]]"}, "it scales by 2"),
        ({"T": None}, "field 'T' or 't' is missing"),
        ({"T": "[0, .inf, 2]"}, r"field 'T\[1\]' is '.inf', expected a number"),
        ({"rvec": "[0, 0, 0]"}, "fields 'R' and 'rvec', expected one of R and T"),
        ({"name": "[1]"}, "field 'name' is a list, expected a string"),
    ],
)
def test_damaged_files(tmp_path, change, message):
    path = tmp_path / "bad.yml"
    fields = {**GOOD, **change}
    text = "".join(f"{key}: {value}\n" for key, value in fields.items() if value is not None)
    path.write_text(f"%YAML:1.0\n---\n{text}")
    with pytest.raises(InputError, match=message) as caught:
        read_opencv([path])
    assert "bad.yml" in str(caught.value)


def test_the_undamaged_file_is_good(tmp_path):
    path = tmp_path / "good.yml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in GOOD.items()))
    assert read_opencv([path])[0].camera.k1 == 0.1


def test_names_that_repeat(tmp_path):
    fields = "".join(f"{key}: {value}\n" for key, value in GOOD.items())
    for name in "ab":
        (tmp_path / f"{name}.yml").write_text(f"camera_name: left\n{fields}")
    with pytest.raises(InputError, match=r"b\.yml: a camera 'left' is there already"):
        read_opencv([tmp_path / "a.yml", tmp_path / "b.yml"])


def test_matrices_of_other_shapes_are_not_read_as_vectors(tmp_path):
    square = opencv_matrix(np.zeros((2, 2)))
    path = tmp_path / "bad.yml"
    path.write_text("".join(f"{k}: {v}\n" for k, v in {**GOOD, "D": square}.items()))
    with pytest.raises(InputError, match="D: 2 rows of 2, expected one row or one column"):
        read_opencv([path])
