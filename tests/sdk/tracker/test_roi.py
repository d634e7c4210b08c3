"""Crops: where their pixels come from, at any place, turn and size."""

import tracemalloc
from contextlib import suppress

import numpy as np
import pytest

from mien.errors import InputError
from mien.tracker.roi import FACE_MARGIN, RotatedBox, box_around_landmarks, crop


def ramp(width: int, height: int) -> np.ndarray:
    """An image whose red is x and whose green is y (pixel centres at +0.5, so minus 0.5)."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.3, 3.0])
@pytest.mark.parametrize("side", [64.0, 90.0, 128.0])
def test_crop_samples_where_the_box_says(angle: float, side: float) -> None:
    box = RotatedBox(110.0, 105.0, side, angle)
    cropped = crop(ramp(220, 210), box, 64) * 255
    unit = (np.stack(np.meshgrid(np.arange(64), np.arange(64)), axis=-1) + 0.5) / 64
    expected = unit @ box.image_from_unit[:, :2].T + box.image_from_unit[:, 2] - 0.5
    # A ramp stays a ramp under interpolation; averaging rounds to whole numbers.
    assert np.abs(cropped[..., :2] - expected).max() <= (1e-3 if side < 128 else 0.501)


def test_an_upright_box_of_the_same_size_is_a_copy() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 100, 3), dtype=np.uint8)
    cropped = crop(image, RotatedBox(50, 45, 64), 64)
    assert cropped.dtype == np.float32
    np.testing.assert_allclose(cropped, image[13:77, 18:82] / 255, atol=1e-6)


def test_a_quarter_turn_turns_the_pixels() -> None:
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    turned = crop(image, RotatedBox(32, 32, 64, np.pi / 2), 64)
    np.testing.assert_allclose(turned, np.rot90(image, 1) / 255, atol=1e-4)


def test_the_edge_goes_on_outside_the_image() -> None:
    image = np.full((20, 30, 3), (10, 200, 90), np.uint8)
    for box in (RotatedBox(0, 0, 100, 0.3), RotatedBox(-80, 200, 50), RotatedBox(15, 10, 230)):
        np.testing.assert_allclose(
            crop(image, box, 32) * 255, [[(10, 200, 90)] * 32] * 32, atol=1e-3
        )


def test_a_fine_pattern_does_not_alias() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    small = crop(stripes, RotatedBox(256, 256, 480), 64)
    # 7 pixels are averaged: 3 or 4 of them white. Without averaging it would be 127.
    assert np.abs(small * 255 - 127.5).max() <= 255 / 14 + 1


def test_box_follows_a_similarity_of_the_landmarks() -> None:
    points = np.random.default_rng(2).normal(size=(478, 2)) * 20 + 100
    points[33], points[263] = (80, 100), (120, 100)
    box = box_around_landmarks(points)
    assert box.angle == 0.0
    assert box.size == pytest.approx(FACE_MARGIN * np.ptp(points, axis=0).max())
    moved = box_around_landmarks(points * 2 + (5, -7))
    assert (moved.x, moved.y) == pytest.approx((box.x * 2 + 5, box.y * 2 - 7))
    assert moved.size == pytest.approx(box.size * 2)


@pytest.mark.parametrize("values", [(0, 0, 0), (0, 0, -1), (np.nan, 0, 1), (0, np.inf, 1)])
def test_senseless_boxes_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="finite"):
        RotatedBox(*values)


def test_a_box_far_larger_than_the_image_is_refused() -> None:
    with pytest.raises(InputError, match="proportion"):
        crop(ramp(20, 20), RotatedBox(10, 10, 1e6), 64)


def test_a_box_too_far_from_the_image_is_refused() -> None:
    with pytest.raises(InputError, match="proportion"):
        crop(ramp(20, 20), RotatedBox(1e300, 10, 10), 64)


@pytest.mark.parametrize("width, height", [(64, 64), (160, 90), (1920, 1080)])
@pytest.mark.parametrize("share", [0.5, 1.0, 4.7, 7.8, 31.0, 78.0])
@pytest.mark.parametrize("angle", [0.0, 0.78])
def test_memory_is_bounded_by_the_image_and_the_grid(
    share: float, angle: float, width: int, height: int
) -> None:
    """Boxes of any size beside the image's longer side."""
    image = ramp(width, height)
    box = RotatedBox(width / 2, height / 2, share * width, angle)
    tracemalloc.start()
    try:
        with suppress(InputError):  # or it is refused
            crop(image, box, 64)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * image.nbytes + 1_000_000
