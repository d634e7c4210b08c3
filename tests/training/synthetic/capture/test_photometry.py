"""Cameras of one rig see one thing differently, and each always alike."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.synthetic.capture.photometry import ResponseSpec, draw_responses

STILL = ResponseSpec(gain=0, white_balance=0, tone=0, blur_px=0, noise=0)


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)


def spoilt(spec, image, count=4, seed=1):
    rng = np.random.default_rng(5)
    return [response.apply(image, rng) for response in draw_responses(spec, count, seed)]


def test_a_perfect_camera_changes_nothing(image):
    for seen in spoilt(STILL, image):
        np.testing.assert_array_equal(seen, image)


@pytest.mark.parametrize("name", ["gain", "white_balance", "tone", "blur_px", "noise"])
def test_each_defect_differs_from_camera_to_camera(image, name):
    seen = spoilt(replace(STILL, **{name: 0.9}), image, 8)
    assert len({picture.tobytes() for picture in seen}) > 4


def test_gain_keeps_colours_and_white_balance_does_not():
    grey = np.full((4, 4, 3), 100, np.uint8)
    for seen in spoilt(replace(STILL, gain=0.5), grey):
        assert np.ptp(seen.astype(int), axis=-1).max() == 0
    assert any(np.ptp(s.astype(int), axis=-1).max() > 3
               for s in spoilt(replace(STILL, white_balance=0.3), grey))  # fmt: skip


def test_noise_has_no_mean_and_is_less_in_the_dark():
    spec = replace(STILL, noise=6.0)
    response = max(draw_responses(spec, 8, 1), key=lambda r: r.noise)
    spread = []
    for level in (20, 200):
        seen = response.apply(np.full((96, 96, 3), level, np.uint8), np.random.default_rng(0))
        assert abs(seen.mean() - level) < 0.2
        spread.append(seen.std())
    assert spread[0] < 0.6 * spread[1]
    assert spread[1] == pytest.approx(
        response.noise * np.sqrt(0.0625 + 0.9375 * 200 / 255), rel=0.1
    )


def test_grey_rigs_are_grey_throughout(image):
    for seen in spoilt(ResponseSpec(colour="grey"), image):
        assert seen.shape == image.shape
        np.testing.assert_array_equal(seen, np.repeat(seen[..., :1], 3, -1))
    kinds = {
        tuple(r.grey for r in draw_responses(ResponseSpec(colour="any"), 3, seed))
        for seed in range(20)
    }
    assert kinds == {(True,) * 3, (False,) * 3}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": "infrared"}, "colour"),
        ({"gain": -0.1}, "gain"),
        ({"tone": float("nan")}, "tone"),
        ({"white_balance": 2.0}, "white_balance"),
        ({"noise": 500.0}, "noise"),
    ],
)
def test_values_out_of_range_are_refused(changes, field):
    with pytest.raises(InputError, match=field):
        replace(ResponseSpec(), **changes)
