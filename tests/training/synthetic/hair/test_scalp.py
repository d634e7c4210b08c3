"""Roots lie on hairy skin, denser where it shows; points are kept out of the head."""

import numpy as np
import pytest

from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.hair import HairStyle
from mien_training.synthetic.hair.scalp import Scalp
from mien_training.templates.regions import scalp_share


def scalp_of(template, **options):
    frame = FaceFrame.of(template, template.vertices)
    return Scalp(template, template.vertices, frame, HairStyle(**options))


@pytest.fixture(scope="module")
def scalp(anny):
    return scalp_of(anny)


def test_roots_grow_on_the_scalp_and_never_on_ears(anny, scalp):
    roots, beside = scalp.roots(2000, np.random.default_rng(0))
    share, ears = scalp_share(anny, anny.vertices)
    assert (share[beside] > 0.25).mean() > 0.95 and not ears[beside].any()
    assert np.linalg.norm(roots - anny.vertices[beside], axis=1).max() < 0.03


def test_a_parting_is_dense(anny):
    def beside_parting(combing):
        parted = scalp_of(anny, combing=combing, parting=0.3)
        roots, _ = parted.roots(4000, np.random.default_rng(1))
        q = (roots - parted.frame.middle) / parted.frame.unit
        return (np.abs(q[:, 0] - 0.3) < 0.15).mean()

    assert beside_parting("parting") > 2 * beside_parting("back")


def test_points_inside_are_pushed_out(scalp):
    rng = np.random.default_rng(2)
    roots, _ = scalp.roots(300, rng)
    into = roots + 0.3 * (scalp.centre - roots) * rng.random((300, 1)) * 0.2
    pushed, height, outward = scalp.keep_out(into, 0.002)
    assert height.min() >= 0.002
    assert (scalp.surface(pushed)[0] > 0.0005).mean() > 0.98
    np.testing.assert_allclose(np.linalg.norm(outward, axis=1), 1, atol=1e-9)


def test_ears_are_known(anny, scalp):
    _, ears = scalp_share(anny, anny.vertices)
    near, _ = scalp.near_ears(anny.vertices[ears].astype(np.float64))
    assert near.min() == 1
    far, hit = scalp.near_ears(scalp.crown[None])
    assert far[0] == 0 and not hit[0]
    assert ears.sum() > 200
