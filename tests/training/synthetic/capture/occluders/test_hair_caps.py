"""Caps cover the scalp from outside and leave the face free."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.synthetic.capture.occluders import hair_caps
from mien_training.synthetic.capture.occluders.hair_caps import hair_cap
from mien_training.templates.regions import face_region


@pytest.mark.parametrize("cloth", [False, True])
def test_a_cap_lies_on_the_scalp(anny, cloth):
    cap = hair_cap(anny, anny.vertices, 0.01, (40, 30, 20), 1, cloth)
    away = np.linalg.norm(cap.vertices - anny.vertices[cap.root], axis=1)
    assert away.min() > 0.0003 and away.max() < 0.02
    assert np.median(away) > 0.005
    assert cap.goes_with == "skin" and cap.mesh.part == ("clothes" if cloth else "hair")
    bald = np.setdiff1d(np.arange(len(anny.vertices)), cap.root)
    assert not face_region(anny)[cap.root].any() and face_region(anny)[bald].any()
    top = anny.vertices[:, 1].argmax()
    assert top in cap.root


def test_thin_caps_are_thinner_and_seeds_repeat(anny):
    thick, thin, again = (
        hair_cap(anny, anny.vertices, t, (40, 30, 20), 1) for t in (0.02, 0.005, 0.005)
    )
    reach = [
        np.linalg.norm(c.vertices - anny.vertices[c.root], axis=1).mean() for c in (thick, thin)
    ]
    assert reach[0] > 2.5 * reach[1]
    np.testing.assert_array_equal(thin.vertices, again.vertices)
    np.testing.assert_array_equal(thin.mesh.material.base_color, again.mesh.material.base_color)


def test_a_bare_face_is_refused(anny, monkeypatch):
    none = np.zeros(len(anny.vertices), np.float32)
    monkeypatch.setattr(hair_caps, "scalp_share", lambda template, neutral: (none, none > 0))
    with pytest.raises(InputError, match="no scalp"):
        hair_cap(anny, anny.vertices, 0.01, (40, 30, 20), 1)
