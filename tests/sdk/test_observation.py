import numpy as np
import pytest

from mien.errors import InputError
from mien.observation import Observation, head_rotation, observed
from mien.rotation import IDENTITY, rotation_vector_from_quaternion
from mien.tracker.features import FeatureLayout

LAYOUT = FeatureLayout(("scores", "head_rotation"))


def test_plain_features_are_an_observation_of_full_presence():
    seen = observed(np.zeros(55), LAYOUT, 0.5)
    assert seen.presence == 1 and seen.features.dtype == np.float32
    assert seen.head_rotation_xyzw is None and seen.head_translation_m is None


@pytest.mark.parametrize("nobody", [None, Observation(None), Observation(np.zeros(55), 0.49)])
def test_no_face(nobody):
    assert observed(nobody, LAYOUT, 0.5) is None


def test_a_face_that_is_not_believed_must_still_be_well_formed():
    with pytest.raises(InputError, match=r"shape \(54,\)"):
        observed(Observation(np.zeros(54), presence=0.1), LAYOUT, 0.5)


def test_the_heads_rotation_comes_from_the_pose_then_the_features_then_nowhere():
    features = np.zeros(55, np.float32)
    features[-3:] = [0.1, 0.2, 0.3]
    given = Observation(features, head_rotation_xyzw=np.array([0, 2, 0, 2.0]))
    np.testing.assert_allclose(head_rotation(given, LAYOUT), [0, 0.5**0.5, 0, 0.5**0.5], atol=1e-6)
    told = head_rotation(Observation(features), LAYOUT)
    np.testing.assert_allclose(rotation_vector_from_quaternion(told), [0.1, 0.2, 0.3], atol=1e-6)
    scores = FeatureLayout(("scores",))
    np.testing.assert_array_equal(head_rotation(Observation(features[:52]), scores), IDENTITY)
