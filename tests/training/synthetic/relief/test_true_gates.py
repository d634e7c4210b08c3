"""A person's folds come sooner than the tension that makes them, and end where it does."""

import numpy as np
import pytest

from mien.deform import blend
from mien_training.head import rig_from_template
from mien_training.synthetic.relief.true_gates import TrueGates
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def gates():
    rig, _ = rig_from_template(load_template("anny"), "anny")
    return TrueGates.of(rig)


@pytest.fixture(scope="module")
def faces(gates):
    rig = gates.linear.rig
    weights = np.random.default_rng(1).uniform(0, 1, (5, len(rig.shape_names)))
    return blend(rig, (weights * (weights < 0.4)).astype(np.float32))


def test_the_neutral_has_no_folds(gates):
    for gate in gates.at(gates.linear.rig.vertices[None]):
        assert not gate.any()


def test_they_lie_above_the_linear_ones_and_agree_at_the_ends(gates, faces):
    for bent, linear in zip(gates.at(faces), gates.linear.at(faces), strict=True):
        assert bent.min() >= 0 and bent.max() <= 1
        assert (bent >= linear - 1e-6).all()
        assert not bent[linear == 0].any()
        np.testing.assert_allclose(bent[linear == 1], 1, atol=1e-6)
        assert np.ptp(bent - linear) > 0.1


def test_more_tension_is_more_fold_but_less_and_less(gates, faces):
    linear, bent = (np.concatenate([g.ravel() for g in a.at(faces)]) for a in (gates.linear, gates))
    order = np.argsort(linear)
    assert (np.diff(bent[order]) >= -1e-6).all()
    below, above = (
        np.polyfit(linear[part], bent[part], 1)[0]
        for part in ((linear > 0) & (linear < 0.2), (linear > 0.8) & (linear < 1))
    )
    assert below > 2 * above > 0


def test_a_batch_equals_singles(gates, faces):
    whole = gates.at(faces)
    single = gates.at(faces[2:3])
    for one, many in zip(single, whole, strict=True):
        np.testing.assert_allclose(one[0], many[2], atol=1e-6)
