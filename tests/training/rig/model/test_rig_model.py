"""All unknowns begin as a still template in grey."""

import numpy as np
import pytest
import torch
from support.rig_scene import small_person

from mien_training.head import MATERIALS
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.model.rig_model import RigModel

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")

CONFIG = RigFitConfig(smoothing="surface", texture_side=16)


@pytest.fixture(scope="module")
def person():
    return small_person()


@pytest.fixture(scope="module")
def model(person):
    return RigModel(person, (0.0, 1.0), 2, CONFIG)


def test_nothing_learnt_is_the_template_at_rest(person, model):
    neutral, deltas = model.rig.arrays()
    np.testing.assert_allclose(neutral, person.vertices, atol=1e-7)
    np.testing.assert_allclose(deltas, person.shape_deltas, atol=1e-7)
    motion = model.motion(torch.linspace(0, 1, 5))
    for part in (motion.weights, motion.rotation, motion.translation, model.time_offsets.offsets_s):
        assert not part.any()
    assert not model.landmark_bias.any()


def test_shapes_of_the_eyes_and_the_jaw_are_not_taken_to_be_at_rest(person, model):
    asked = dict(zip(person.shape_names, model.rests.tolist(), strict=True))
    assert asked["browInnerUp"] and asked["mouthSmileLeft"]
    assert not (asked["eyeBlinkLeft"] or asked["jawOpen"] or asked["mouthClose"])


def test_everything_is_kept_and_brought_back(person, model):
    other = RigModel(person, (0.0, 1.0), 2, CONFIG)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(torch.randn_like(parameter))
    again = RigModel(person, (0.0, 1.0), 2, CONFIG)
    again.load_state_dict(other.state_dict())
    assert not np.array_equal(other.rig.arrays()[0], model.rig.arrays()[0])
    for mine, theirs in zip(again.rig.arrays(), other.rig.arrays(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    torch.testing.assert_close(again.time_offsets.offsets_s, other.time_offsets.offsets_s)


def test_the_mouths_inside_stays_dark_whatever_is_fitted(model):
    inside = [MATERIALS.index(name) for name in ("mouth", "teeth", "tongue")]
    for index, texture in enumerate(model.appearance.textures):
        assert texture.requires_grad == (index not in inside)
        assert index not in inside or float(texture.detach().max()) < 0.3


def test_a_clock_and_a_gain_for_every_camera(person):
    model = RigModel(person, (0.0, 1.0), 4, CONFIG)
    assert model.time_offsets.offsets_s.shape == (4,)
    assert all(len(p) for p in model.appearance.parameters())
