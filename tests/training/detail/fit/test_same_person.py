"""The skin in images is like its own texture, and less like another's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien_training.detail.fit.same_person import LEAST_LIKENESS, likeness
from mien_training.detail.fit.skin_light import estimate_light
from mien_training.synthetic.person import SyntheticPerson


@pytest.fixture(scope="module")
def light(observed_256):
    return estimate_light(observed_256)


@pytest.fixture(scope="module")
def own(wrinkled, observed_256, light):
    texture = wrinkled.person.rig.materials[0].base_color
    return likeness(wrinkled.atlas.template, texture, observed_256, light)


def test_own_skin_is_alike(own):
    assert 0.8 < own <= 1 and own > LEAST_LIKENESS


def test_others_skin_is_less_alike(anny, wrinkled, observed_256, light, own):
    for seed in (21, 22):
        other = SyntheticPerson.make(anny, seed, texture_side=512).rig.materials[0].base_color
        assert likeness(wrinkled.atlas.template, other, observed_256, light) < own - 0.05


def test_brighter_skin_is_as_alike(wrinkled, observed_256, light, own):
    brighter = replace(light, log_albedo=light.log_albedo + 0.7)
    texture = wrinkled.person.rig.materials[0].base_color
    assert likeness(wrinkled.atlas.template, texture, observed_256, brighter) == pytest.approx(
        own, abs=1e-3
    )


def test_the_negative_is_unlike(wrinkled, observed_256, light, own):
    negative = replace(light, log_albedo=-light.log_albedo)
    texture = wrinkled.person.rig.materials[0].base_color
    assert likeness(wrinkled.atlas.template, texture, observed_256, negative) == pytest.approx(
        -own, abs=1e-3
    )


def test_what_tells_nothing_speaks_against_nobody(wrinkled, observed_256, light):
    texture = wrinkled.person.rig.materials[0].base_color
    unseen = replace(observed_256, weight=torch.zeros_like(observed_256.weight))
    assert likeness(wrinkled.atlas.template, texture, unseen, light) == 1
    plain = np.full_like(texture, 128)
    assert likeness(wrinkled.atlas.template, plain, observed_256, light) == 1
