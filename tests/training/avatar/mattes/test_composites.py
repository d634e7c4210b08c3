"""Pictures are blended in linear light; the same random numbers give the same picture."""

import numpy as np

from mien_training.avatar.mattes.composites import compose, composite_over, linear

CODES = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)


def test_what_covers_all_or_nothing():
    none, all_of_it = np.zeros((6, 7), np.float32), np.ones((6, 7), np.float32)
    np.testing.assert_array_equal(composite_over(linear(CODES), all_of_it, CODES[::-1]), CODES)
    black = np.zeros((6, 7, 3), np.float32)
    np.testing.assert_array_equal(composite_over(black, none, CODES), CODES)


def test_halves_add_light():
    half = np.full((6, 7), 0.5, np.float32)
    white = composite_over(0 * linear(CODES), half, np.full_like(CODES, 255))
    assert (white == 188).all()  # sRGB of a half


def test_a_picture_follows_from_its_random_numbers(matte_sample):
    first, again, other = (
        compose(matte_sample, 1, 48, np.random.default_rng(seed), matte_sample.colour[0])
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.alpha, again.alpha)
    assert (first.image != other.image).any()


def test_alpha_and_mesh_stay_together(matte_sample):
    for seed in range(4):
        made = compose(matte_sample, seed % 2, 48, np.random.default_rng(seed))
        assert made.image.shape == (48, 48, 3) and made.alpha.shape == made.covered.shape == (
            48,
            48,
        )
        assert made.alpha.min() >= 0 and made.alpha.max() <= 1
        assert made.alpha[made.covered].mean() > 0.9
        assert made.alpha[~made.covered].mean() < 0.4
        assert 20 < made.height_px <= 48
