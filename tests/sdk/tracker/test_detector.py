"""Anchors, decoding, suppression, tiles; and a small real face in a large frame."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.tracker.detector import FaceDetector, anchors, decode, overlap, suppress, tiles
from mien.tracker.nets import TrackerNets

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(TrackerNets().detect)


@pytest.fixture(scope="module")
def face() -> Image.Image:
    return Image.open(GOLDEN / "astronaut.jpg").convert("RGB")


def test_anchors_are_the_centres_of_both_grids() -> None:
    points = anchors()
    assert points.shape == (896, 2)
    np.testing.assert_allclose(points[:4], [[1 / 32, 1 / 32]] * 2 + [[3 / 32, 1 / 32]] * 2)
    np.testing.assert_allclose(points[-1], [15 / 16, 15 / 16])
    assert len(np.unique(points[:512], axis=0)) == 256
    assert len(np.unique(points[512:], axis=0)) == 64


def test_decode_adds_the_anchor_and_keeps_the_confident() -> None:
    boxes, logits = np.zeros((896, 16), np.float32), np.full(896, -9.0, np.float32)
    boxes[100] = [12.8, -6.4, 64, 32, *range(12)]
    logits[[100, 200]] = [2.0, 3.0]  # row 200 has no extent and is not a face
    rows, scores = decode(boxes, logits)
    x, y = anchors()[100]
    np.testing.assert_allclose(
        rows[0, :4], [x + 0.1 - 0.25, y - 0.05 - 0.125, x + 0.1 + 0.25, y - 0.05 + 0.125], atol=1e-7
    )
    np.testing.assert_allclose(rows[0, 4:6], [x, y + 1 / 128])
    assert scores == pytest.approx([1 / (1 + np.exp(-2.0))])


def test_suppression_averages_overlapping_rows_by_score() -> None:
    rows = np.zeros((3, 16))
    rows[:, :4] = [[0, 0, 10, 10], [0, 0, 10, 12], [50, 50, 60, 60]]
    found = suppress(rows, np.array([0.6, 0.9, 0.7]))
    assert [score for _, score in found] == [0.9, 0.7]
    assert found[0][0][3] == pytest.approx((0.6 * 10 + 0.9 * 12) / 1.5)
    np.testing.assert_allclose(found[1][0], rows[2])
    assert suppress(rows[:0], np.zeros(0)) == []


def test_overlap_is_one_with_itself_and_zero_apart() -> None:
    box = np.array([1.0, 2.0, 5.0, 4.0])
    others = np.array([[1, 2, 5, 4], [5, 4, 9, 9], [1, 2, 3, 4]])
    np.testing.assert_allclose(overlap(box, others), [1.0, 0.0, 0.5])


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (640, 640), (301, 77)])
@pytest.mark.parametrize("parts", [2, 4])
def test_every_small_square_lies_whole_in_one_tile(size: tuple[int, int], parts: int) -> None:
    width, height = size
    squares = tiles(width, height, parts)
    side = squares[0][2]
    assert all(x >= 0 and y >= 0 and x + s <= width and y + s <= height for x, y, s in squares)
    small = side // 2 - 1
    for x, y in np.random.default_rng(0).integers(0, (width - small, height - small), (200, 2)):
        assert any(
            left <= x and x + small <= left + s and top <= y and y + small <= top + s
            for left, top, s in squares
        )


def test_a_real_face_is_found_where_it_is(detector: FaceDetector, face: Image.Image) -> None:
    (found,) = detector.find(np.asarray(face))
    assert found.score > 0.8
    np.testing.assert_allclose((found.box[:2] + found.box[2:]) / 2, [130, 130], atol=12)
    right_eye, left_eye = found.points[:2]
    assert right_eye[0] < left_eye[0]
    assert abs(found.roi.angle) < 0.15


def test_detections_follow_a_shift(detector: FaceDetector, face: Image.Image) -> None:
    shifted = Image.new("RGB", (512, 256))
    shifted.paste(face, (200, 0))
    (here,) = detector.find(np.asarray(face.resize((256, 256))))
    (there,) = detector.find(np.asarray(shifted))
    np.testing.assert_allclose(there.box - here.box, [200, 0, 200, 0], atol=14)


def test_a_small_face_in_a_large_frame_needs_tiles(
    detector: FaceDetector, face: Image.Image
) -> None:
    noise = np.random.default_rng(3).integers(90, 130, (1080, 1920, 3), dtype=np.uint8)
    frame = Image.fromarray(noise)
    frame.paste(face.resize((160, 160), Image.Resampling.LANCZOS), (1500, 200))
    image = np.asarray(frame)
    assert detector.find(image) == []
    found = detector.find_small(image)
    assert len(found) == 1
    np.testing.assert_allclose((found[0].box[:2] + found[0].box[2:]) / 2, [1581, 281], atol=15)


def test_nothing_is_found_in_noise(detector: FaceDetector) -> None:
    noise = np.random.default_rng(4).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert detector.find(noise) == []
    assert detector.find_small(noise) == []
