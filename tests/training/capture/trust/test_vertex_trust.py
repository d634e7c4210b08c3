"""What cameras see well is believed more than what they see badly or not at all."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.trust import vertex_trust, view_evidence
from mien_training.capture.trust.trust_model import DOUBTS, TrustModel
from mien_training.capture.trust.vertex_trust import vertex_doubts


@pytest.fixture(scope="module")
def evidence(scene):
    return view_evidence(*scene)


def test_the_front_is_believed_and_the_back_is_not(scene, evidence):
    found = vertex_trust(evidence)
    vertices = scene[0]
    front, back = vertices[:, 2] > 0.08, vertices[:, 2] < -0.08
    assert found.confidence[front].min() > found.confidence[back].max()
    assert found.spread_m[front].max() < found.spread_m[back].min()
    assert found.views[front].min() >= 2 and not found.views[back].any()


def test_under_hair_confidence_falls(scene, evidence):
    hair = np.ones((96, 96))
    hair[:40] = 0
    covered = view_evidence(*scene, masks=[hair] * 3)
    top = (scene[0][:, 1] > 0.05) & (evidence.views > 0)
    bare, under = vertex_trust(evidence), vertex_trust(covered)
    assert (under.confidence[top] < bare.confidence[top]).all()
    low = scene[0][:, 1] < -0.01
    np.testing.assert_array_equal(under.confidence[low], bare.confidence[low])


def test_more_views_from_farther_apart_raise_no_doubt(scene, evidence):
    one = vertex_doubts(view_evidence(*scene[:3], scene[3][1:2]))
    all_three = vertex_doubts(evidence)
    assert (all_three[:, :3] <= one[:, :3] + 1e-9).all()
    narrow = DOUBTS.index("narrow")
    assert (one[:, narrow] == 1).all()  # one line of sight tells no depth


def test_residuals_and_deviations_lower_confidence(evidence):
    count, model = len(evidence.views), TrustModel(slopes=(0.1,) * len(DOUBTS))
    plain = vertex_trust(evidence, np.full(count, 0.001), np.full(count, 0.001), model)
    for worse in ((0.01, 0.001), (0.001, 0.01)):
        found = vertex_trust(evidence, np.full(count, worse[0]), np.full(count, worse[1]), model)
        assert (found.confidence <= plain.confidence).all()
        assert found.confidence.mean() < plain.confidence.mean()
    some = np.full(count, 0.003)
    some[::2] = np.nan  # no correspondence there: as usual elsewhere
    np.testing.assert_array_equal(
        vertex_trust(evidence, some, None, model).confidence,
        vertex_trust(evidence, np.full(count, 0.003), None, model).confidence,
    )
    nothing = vertex_trust(evidence, np.full(count, np.nan), None, model)
    np.testing.assert_array_equal(
        nothing.confidence, vertex_trust(evidence, None, None, model).confidence
    )


def test_nonsense_is_refused(evidence):
    with pytest.raises(InputError, match="residual_m"):
        vertex_trust(evidence, np.zeros(3))
    with pytest.raises(InputError, match="deviation_m"):
        vertex_trust(evidence, None, -np.ones(len(evidence.views)))
