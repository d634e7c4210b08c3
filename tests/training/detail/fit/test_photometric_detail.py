"""Photographed wrinkles are found again, and nobody's are where nothing was seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien_training.detail.basis.detail_basis import default_basis
from mien_training.detail.fit.linear_fit import DetailModel
from mien_training.detail.fit.photometric_detail import (
    PhotometricNoise,
    fit_detail,
    shading_evidence,
    skin_image,
)
from mien_training.detail.fit.skin_light import estimate_light

SIZE = 256


def seen(skin, side):
    return shading_evidence(skin, estimate_light(skin), side, PhotometricNoise().spots_px)


@pytest.fixture(scope="module")
def gates(wrinkled, footage):
    return [torch.from_numpy(g) for g in wrinkled.gate_maps(footage.weights, SIZE)]


@pytest.fixture(scope="module")
def fitted(observed_256, gates, one_thread):
    return fit_detail(seen(observed_256, SIZE), *gates, DetailModel(default_basis()), iterations=40)


def test_skin_images_show_values_at_their_texels():
    values = torch.arange(6.0).reshape(2, 3)
    image = skin_image(values, torch.tensor([0, 5, 15]), 4)
    assert image.shape == (2, 4, 4) and image.sum() == values.sum()
    torch.testing.assert_close(image.flatten(1)[:, [0, 5, 15]], values)


def test_wrinkles_at_rest_are_found_again(wrinkled, observed_256, fitted):
    truth = wrinkled.maps(SIZE)[0].ravel()[observed_256.texels.texel]
    seen = (np.abs(truth) > 5e-5) & (observed_256.weight.sum(0).numpy() > 1.5)

    def alike(image):
        there = image[0].numpy().ravel()[observed_256.texels.texel]
        return np.corrcoef(there[seen], truth[seen])[0, 1]

    found, mean = alike(fitted.heights), alike(DetailModel(default_basis()).mean)
    assert found > 0.5 and found > mean + 0.2, (found, mean)


def test_what_is_explained_is_less_than_what_was_there(fitted, observed_256):
    frames = len(observed_256.weight)
    assert fitted.heights.shape == (3, SIZE, SIZE)
    assert fitted.unexplained.shape == (frames, SIZE, SIZE)
    unseen = skin_image(observed_256.weight, torch.from_numpy(observed_256.texels.texel), SIZE) == 0
    assert not fitted.unexplained[unseen].any()
    assert 0.01 < fitted.unexplained[~unseen].std() < 0.3
    assert 0 < fitted.solved.iterations <= 40 and fitted.solved.remaining < 0.2


def test_the_less_images_are_believed_the_more_it_is_the_mean(
    observed_64, small_basis, wrinkled, footage
):
    model = DetailModel(small_basis)
    both = [torch.from_numpy(g) for g in wrinkled.gate_maps(footage.weights, 64)]
    away = []
    for shading in (0.1, 0.5, 1000.0):
        noise = PhotometricNoise(shading=shading)
        found = fit_detail(seen(observed_64, 64), *both, model, noise, 30)
        away.append(float((found.heights - model.mean).abs().max()))
    assert away[0] > away[1] > away[2] and away[2] < 1e-6


def test_behind_shut_gates_unlinked_detail_is_the_mean(observed_64, small_basis):
    regions, codes, _ = small_basis.link.shape
    alone = replace(
        small_basis, link=np.tile(np.eye(codes, dtype=np.float32), (regions, 1, 1)),
        rest=small_basis.rest * np.eye(3, dtype=np.float32)[..., None],
    )  # fmt: skip
    model = DetailModel(alone)
    shut = torch.zeros(len(observed_64.weight), 64, 64)
    found = fit_detail(seen(observed_64, 64), shut, shut, model, iterations=20)
    torch.testing.assert_close(found.heights[1:], model.mean[1:])
    assert (found.heights[0] - model.mean[0]).abs().max() > 1e-5
