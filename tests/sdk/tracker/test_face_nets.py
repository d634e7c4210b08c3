"""One face in one image: the same, wherever and however turned it stands in the image."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien.rotation import quaternion_conjugate, quaternion_multiply, rotation_vector_from_quaternion
from mien.tracker import FaceNets, RotatedBox, box_around_landmarks

GOLDEN = Path(__file__).parents[2] / "golden"
BOX = RotatedBox(129.0, 124.0, 160.0)


@pytest.fixture(scope="module")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.asarray(Image.open(GOLDEN / "astronaut.jpg").convert("RGB"))


def test_the_real_face_is_read(nets: FaceNets, image: np.ndarray) -> None:
    track = nets.landmarks_in(image, BOX)
    assert track is not None and track.presence > 0.999
    shapes = [track.landmarks, track.scores, track.deep, track.deep_map]
    assert [a.shape for a in shapes] == [(478, 3), (52,), (512,), (2048,)]
    assert all(a.dtype == np.float32 for a in shapes)
    # Read off the picture: pupils, tip of the nose, corners of the mouth.
    places = {468: (108, 101), 473: (151, 103), 4: (128, 128), 61: (108, 141), 291: (149, 138)}
    for index, place in places.items():
        np.testing.assert_allclose(track.landmarks[index, :2], place, atol=3)
    right, left = track.landmarks[468], track.landmarks[473]
    assert right[0] < left[0] and abs(right[1] - left[1]) < 8
    assert track.landmarks[4, 2] < track.landmarks[[234, 454], 2].min()  # the nose is nearer
    np.testing.assert_array_equal(track.box[:2], track.landmarks[:, :2].min(axis=0))


def test_rolling_the_picture_rolls_the_head_and_nothing_else(
    nets: FaceNets, image: np.ndarray
) -> None:
    upright = nets.landmarks_in(image, BOX)
    assert upright is not None
    box = box_around_landmarks(upright.landmarks)
    settled = nets.landmarks_in(image, box)
    # np.rot90 turns counter-clockwise: what was at (x, y) is at (y, 256 - x).
    turned_box = RotatedBox(box.y, 256 - box.x, box.size, box.angle - np.pi / 2)
    turned = nets.landmarks_in(np.ascontiguousarray(np.rot90(image)), turned_box)
    assert settled is not None and turned is not None
    x, y, z = settled.landmarks.T
    np.testing.assert_allclose(turned.landmarks, np.stack([y, 256 - x, z], axis=1), atol=0.3)
    np.testing.assert_allclose(turned.scores, settled.scores, atol=0.03)
    between = quaternion_multiply(
        turned.head_rotation_xyzw, quaternion_conjugate(settled.head_rotation_xyzw)
    )
    np.testing.assert_allclose(
        rotation_vector_from_quaternion(between), (0, 0, np.pi / 2), atol=0.02
    )


def test_enlarging_the_picture_enlarges_the_landmarks(nets: FaceNets, image: np.ndarray) -> None:
    large = np.asarray(Image.fromarray(image).resize((512, 512), Image.Resampling.BICUBIC))
    small_track = nets.landmarks_in(image, BOX)
    large_track = nets.landmarks_in(large, RotatedBox(BOX.x * 2, BOX.y * 2, BOX.size * 2))
    assert small_track is not None and large_track is not None
    # In pixels of the large picture; the two are interpolated differently.
    np.testing.assert_allclose(large_track.landmarks, small_track.landmarks * 2, atol=2.0)
    np.testing.assert_allclose(
        large_track.head_translation_m, small_track.head_translation_m, atol=0.02
    )


def test_no_face_gives_none(nets: FaceNets, image: np.ndarray) -> None:
    assert nets.landmarks_in(np.full_like(image, 128), BOX) is None
    noise = np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8)
    assert nets.landmarks_in(noise, BOX) is None


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_what_is_no_image_is_refused(nets: FaceNets, wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8"):
        nets.landmarks_in(wrong, BOX)
