"""Crops at one resolution: colours of places, and how they change."""

import numpy as np
import pytest
import torch

from mien_training.capture.polish.picture_levels import HeadUnseenError, Level, crop_pictures


@pytest.fixture(scope="module")
def spots(scene):
    rng = np.random.default_rng(0)
    chosen = rng.choice(np.flatnonzero(scene.judged), 300)
    at = torch.from_numpy(scene.truth[chosen]).float()
    return at, torch.from_numpy(scene.normals[chosen]).float()


def test_changes_along_the_normal_are_derivatives(crops, spots):
    """Of pictures that are ramps, so that bilinear values have true slopes."""
    at, normal = spots
    side = crops.images.shape[1]
    ramp = torch.arange(side) // 2
    images = (ramp[:, None] // 2 + ramp[None] // 2 + 40).byte()
    flat = type(crops)(
        crops.pictures, images.expand(5, side, side)[..., None], crops.camera, crops.pixel_m
    )
    level = Level(flat, 4)
    step = 2e-3
    low, high = (level.colours(at + sign * step * normal, normal).colour for sign in (-1, 1))
    numeric = (high - low) / (2 * step)
    analytic = level.colours(at, normal).along
    middle = level.colours(at, normal).colour
    inside = (low > -2) & (high > -2) & (middle > -2)
    gap = (numeric - analytic)[inside].abs()
    assert inside.sum() > 800
    assert gap.median() < 0.1 * numeric[inside].abs().median()


def test_pictures_left_out_are_gone(crops):
    fewer = crops.without([1])
    assert fewer.camera == (crops.camera[0], *crops.camera[2:]) and len(fewer.images) == 4
    torch.testing.assert_close(fewer.pictures.masks, crops.pictures.masks[[0, 2, 3, 4]])
    assert fewer.pictures.camera.tolist() == [0, 2, 3, 4]


def test_colours_do_not_depend_on_other_pictures(crops, spots):
    one = Level(crops.without([0, 1]), 2).colours(*spots)
    every = Level(crops, 2).colours(*spots)
    torch.testing.assert_close(one.colour, every.colour[2:])
    torch.testing.assert_close(one.along, every.along[2:])


def test_cameras_that_see_no_head_are_left_out(scene):
    away = np.eye(4)
    away[:3, 3] = 50
    with pytest.raises(HeadUnseenError, match="0 of 5 cameras"):
        crop_pictures(scene.images, scene.cameras, None, away, 64)
