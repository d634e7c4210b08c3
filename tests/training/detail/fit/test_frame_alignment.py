"""Frames that lie a texel or two beside the texture are laid upon it; those that lie there stay."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from mien_training.detail.fit.frame_alignment import align_frames
from mien_training.detail.fit.observed_skin import ObservedSkin
from mien_training.detail.fit.skin_light import SkinLight
from mien_training.rendering.bake import TexelMap

SIDE = 96


def pattern():
    noise = np.random.default_rng(0).normal(size=(SIDE, SIDE))
    fine = ndimage.gaussian_filter(noise, 2)
    return 0.3 * fine / fine.std()


@pytest.fixture(scope="module")
def skin():
    """Two frames of flat skin under even light: one in place, one shifted by (1.5, -1) texels."""
    count = SIDE * SIDE
    texels = TexelMap(SIDE, np.arange(count), np.zeros((count, 3), np.int32),
                      np.tile(np.float32([1, 0, 0]), (count, 1)))  # fmt: skip
    frames = [pattern(), ndimage.shift(pattern(), (-1.0, 1.5), order=3, mode="nearest")]
    light = np.exp(np.stack([f.ravel() for f in frames]) - 1)
    colour = torch.from_numpy(np.repeat(light[..., None], 3, 2)).float()
    normal = torch.tensor([0.0, 0.0, 1.0]).expand(2, count, 3)
    return ObservedSkin(
        texels, colour, torch.ones(2, count), normal, torch.zeros(2, count, 2, 3), torch.zeros(2)
    )


EVEN = SkinLight(torch.tensor([1 / 0.282095] + 8 * [0.0]), torch.zeros(SIDE**2), torch.zeros(2))


def test_shifts_are_found_and_undone(skin):
    aligned, shifts = align_frames(skin, EVEN, pattern().ravel() - 1)
    assert shifts[0] < 0.1
    assert shifts[1] == pytest.approx(np.hypot(1.5, 1.0), abs=0.25)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[12:-12, 12:-12] = True

    def apart(one):
        log = one.luminance.log().numpy().reshape(2, SIDE, SIDE)
        return np.abs(log[1] - log[0])[inside].mean()

    assert apart(aligned) < 0.25 * apart(skin)


def test_frames_meet_where_the_texture_is_blurred(skin):
    """A texture too coarse to lay frames on; their own mean is not."""
    blurred = ndimage.gaussian_filter(pattern(), 5)
    aligned, _ = align_frames(skin, EVEN, blurred.ravel() - 1)
    log = aligned.luminance.log().numpy().reshape(2, SIDE, SIDE)[:, 12:-12, 12:-12]
    assert np.corrcoef(log.reshape(2, -1))[0, 1] > 0.99


def test_nothing_seen_is_left_as_it_is(skin):
    dark = replace(skin, weight=torch.zeros_like(skin.weight))
    aligned, shifts = align_frames(dark, EVEN, pattern().ravel())
    assert not shifts.any() and not aligned.weight.any()
    assert torch.isfinite(aligned.colour).all()
