"""COLMAP's text models: round trips, its conventions, and files that are damaged."""

import numpy as np
import pytest
from support.foreign_cameras import (
    LENSES,
    PICTURES,
    assert_same_views,
    random_cameras,
    write_colmap,
)

from mien.errors import InputError
from mien_training.cameras.camera import project
from mien_training.cameras.imports.colmap import read_colmap
from mien_training.cameras.lens import Lens

MODELS = {
    "SIMPLE_PINHOLE": Lens(),
    "PINHOLE": Lens(),
    "SIMPLE_RADIAL": Lens(-0.1),
    "RADIAL": LENSES["radial"],
    "OPENCV": LENSES["tangential"],
    "FULL_OPENCV": LENSES["rational"],
}


@pytest.mark.parametrize("model", MODELS)
def test_round_trip(tmp_path, model):
    one_focal = model in ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL")
    cameras = random_cameras(MODELS[model], 3, one_focal)
    found = read_colmap([write_colmap(tmp_path / "sparse", cameras, model)])
    assert [one.picture for one in found] == list(PICTURES)
    for one in found:
        assert_same_views(one.camera, cameras[one.picture])


def model(tmp_path, camera="1 SIMPLE_PINHOLE 100 50 120 50 25", image=None):
    """A model of one line each, unless None is given for a file."""
    image = "1 1 0 0 0 0 0 2 1 a.png\n\n" if image is None else image
    (tmp_path / "cameras.txt").write_text(f"# comment\n\n{camera}\n")
    (tmp_path / "images.txt").write_text(f"# comment\n{image}")
    return tmp_path


def test_its_conventions(tmp_path):
    """A quarter turn about z; the image's centre is at half its size."""
    turned = model(tmp_path, image=f"1 {0.5**0.5} 0 0 {0.5**0.5} 0 0 2 1 a b.png\n\n")
    (one,) = read_colmap([turned / "cameras.txt", turned / "images.txt"])
    assert one.picture == "a b.png"
    # The world's x axis shows downwards in the image, and +z away from the camera.
    pixels, depth = project(one.camera, [[0, 0, 0], [0.1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(pixels, [[50, 25], [50, 31], [50, 25]], atol=1e-9)
    np.testing.assert_allclose(depth, [2, 2, 3])


def test_pictures_may_share_a_camera(tmp_path):
    found = read_colmap([model(tmp_path, image="1 1 0 0 0 0 0 2 1 a\n\n2 1 0 0 0 1 0 2 1 b\n")])
    assert [one.picture for one in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("camera", "message"),
    [
        ("1 FOV 100 50 1 2 3 4 5", r"line 3: camera model 'FOV' is not supported, .*RADIAL"),
        ("1 OPENCV_FISHEYE 9 9 1 2 3 4 5 6 7 8", "expected SIMPLE_PINHOLE, PINHOLE"),
        ("1 PINHOLE 100 50 120 50 25", "3 parameters, expected 4 of PINHOLE: fx, fy, cx, cy"),
        ("1 PINHOLE", "line 3: expected CAMERA_ID, MODEL"),
        ("1 SIMPLE_PINHOLE 100.5 50 120 50 25", "'100.5', expected WIDTH and HEIGHT"),
        ("1 SIMPLE_PINHOLE 100 -50 120 50 25", "'-50', expected WIDTH and HEIGHT"),
        (f"1 SIMPLE_PINHOLE {'9' * 4000} 50 120 50 25", "expected WIDTH and HEIGHT"),
        ("1 SIMPLE_PINHOLE 100 50 nan 50 25", "line 3: 'nan', expected a finite number"),
        ("1 SIMPLE_PINHOLE 100 50 1e999 50 25", "'1e999', expected a finite number"),
        ("1 SIMPLE_PINHOLE 100 50 x 50 25", "'x', expected a finite number"),
        ("1 SIMPLE_PINHOLE 100 50 -120 50 25", r"a\.png\): the intrinsics is no camera's: focal"),
        ("1 SIMPLE_RADIAL 100 50 120 50 25 -40", "the distortion folds the image"),
        ("2 SIMPLE_PINHOLE 100 50 120 50 25", r"camera 1 is not in cameras\.txt, expected .* 2"),
        ("1 PINHOLE 9 9 9 9 4 4\n1 PINHOLE 9 9 9 9 4 4", "camera 1 is there already"),
    ],
)
def test_damaged_cameras(tmp_path, camera, message):
    with pytest.raises(InputError, match=message) as caught:
        read_colmap([model(tmp_path, camera)])
    assert ".txt: line" in str(caught.value)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("1 1 0 0 0 0 0 2 1\n\n", "line 2: 9 fields, expected IMAGE_ID, QW"),
        ("1 0 0 0 0 0 0 2 1 a\n\n", "quaternion's length is 0, expected 1"),
        ("1 1 1 0 0 0 0 2 1 a\n\n", "quaternion's length is 1.41421, expected 1"),
        ("1 1 0 0 0 inf 0 2 1 a\n\n", "'inf', expected a finite number"),
        ("1 1 0 0 0 0 0 2e12 1 a\n\n", "numbers that no pose has"),
        ("1 1 0 0 0 0 0 2 1 a\n1 1 0 0 0 0 0 2 1 b.png\n", "line 3: expected the points"),
        ("1 1 0 0 0 0 0 2 1 a\n3.5 4.5\n", "line 3: expected the points"),
        ("1 1 0 0 0 0 0 2 1 a\n\n2 1 0 0 0 0 0 2 1 a\n\n", "the picture is there already"),
        ("", "no images, expected at least one"),
        ("1 1 0 0 0 0 0 2 1 ..//\n\n", "names no picture"),
    ],
)
def test_damaged_images(tmp_path, image, message):
    with pytest.raises(InputError, match=message) as caught:
        read_colmap([model(tmp_path, image=image)])
    assert "images.txt" in str(caught.value)


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(InputError, match=r"cameras\.txt: not there, expected both files"):
        read_colmap([tmp_path])
    (tmp_path / "cameras.bin").write_bytes(b"\0")
    with pytest.raises(InputError, match="model_converter --output_type TXT"):
        read_colmap([tmp_path])
    (model(tmp_path) / "images.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"images\.txt: not text in UTF-8"):
        read_colmap([tmp_path])
    other = tmp_path / "other"
    with pytest.raises(InputError, match="different folders"):
        read_colmap([tmp_path / "cameras.txt", other / "images.txt"])
