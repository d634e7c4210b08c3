"""Decibels as the formula has them, over pixels that are known and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from mien_training.avatar.judge import over_grey, psnr_by_region, sharpness, truth_over_grey


def true_draw(film):
    def draw(frame):
        alpha = film.alpha[frame][..., None].astype(np.float32) / 255
        return np.concatenate([film.premultiplied(frame).numpy(), alpha], 2)

    return draw


@pytest.fixture
def masks(ball_film):
    left = np.zeros(ball_film.alpha.shape, np.bool_)
    left[:, :, :32] = True
    return {"left": left, "right": ~left, "nothing": np.zeros_like(left)}


def test_over_grey_what_is_clear_is_grey():
    image = np.array([[0.0, 0, 0, 0], [0.2, 0.4, 0.6, 1], [0.1, 0.1, 0.1, 0.5]], np.float32)
    np.testing.assert_allclose(over_grey(image), [[0.5] * 3, [0.2, 0.4, 0.6], [0.35] * 3])


def test_the_truth_is_the_head_over_grey(ball_film):
    found = truth_over_grey(ball_film, 3)
    np.testing.assert_allclose(found[ball_film.alpha[3] == 0], 0.5, atol=1e-6)
    on = ball_film.alpha[3] == 255
    np.testing.assert_allclose(found[on], ball_film.images[3][on] / 255, atol=1e-6)
    bare = truth_over_grey(replace(ball_film, alpha=None, plate=None), 3)
    np.testing.assert_allclose(bare, ball_film.images[3] / 255, atol=1e-6)


def test_a_uniform_error_has_its_decibels(ball_film, masks):
    true = true_draw(ball_film)

    def off(frame):
        image = true(frame)
        image[:, :32, :3] += 0.1
        return image

    frames = list(ball_film.held_out)
    found = psnr_by_region(ball_film, masks, frames, off)
    assert set(found) == {"left", "right", "alpha"}  # nothing is nowhere
    assert found["left"] == pytest.approx(20, abs=0.01)
    assert found["right"] == 100 and found["alpha"] == pytest.approx(0, abs=1e-7)


def test_regions_are_of_all_frames_together(ball_film, masks):
    """Mean square first, logarithm after."""
    true = true_draw(ball_film)
    errors = {0: 0.1, 1: 0.2}

    def off(frame):
        return true(frame) + np.array([errors[frame]] * 3 + [0], np.float32)

    found = psnr_by_region(ball_film, masks, [0, 1], off)
    assert found["left"] == pytest.approx(-10 * np.log10((0.01 + 0.04) / 2), abs=0.01)


def test_unknown_pixels_do_not_count(ball_film, masks):
    true = true_draw(ball_film)
    known = np.ones(ball_film.alpha.shape, np.bool_)
    known[:, :, :16] = False

    def off(frame):
        image = true(frame)
        image[:, :16] = 5.0
        return image

    film = replace(ball_film, known=known)
    found = psnr_by_region(film, masks, [0, 5], off)
    assert found["left"] == found["right"] == 100 and found["alpha"] == pytest.approx(0, abs=1e-7)
    assert psnr_by_region(ball_film, masks, [0, 5], off)["left"] < 0
    assert set(psnr_by_region(replace(film, known=np.zeros_like(known)), masks, [0], off)) == {
        "alpha"
    }


def test_coverage_has_its_mean_error(ball_film, masks):
    true = true_draw(ball_film)

    def off(frame):
        image = true(frame)
        image[..., 3] = np.abs(image[..., 3] - 0.25)
        return image

    assert psnr_by_region(ball_film, masks, [2], off)["alpha"] == pytest.approx(0.25, abs=1e-6)


def test_blur_loses_sharpness(ball_film):
    from scipy import ndimage

    true = true_draw(ball_film)
    everywhere = np.ones(ball_film.alpha.shape, np.bool_)
    assert sharpness(ball_film, everywhere, [0, 4], true) == (pytest.approx(1), pytest.approx(1))
    energy, likeness = sharpness(
        ball_film, everywhere, [0, 4], lambda f: ndimage.gaussian_filter(true(f), (1, 1, 0))
    )
    assert energy < 0.7 and 0.5 < likeness < 1
    flat = np.full((64, 64, 4), 0.5, np.float32)
    assert sharpness(ball_film, everywhere, [0], lambda f: flat) == (0, 0)
