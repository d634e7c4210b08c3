"""Displacements are kept where places that had no part in them agree better."""

import numpy as np
import pytest

from mien_training.capture.polish.agreement_gate import Judgement, kept_share


@pytest.fixture(scope="module")
def around(anny, prior):
    nodes = anny.vertices[prior.nodes].astype(np.float64)
    return nodes, nodes[::2]


def kept(around, prior, gain, moved_m=0.0):
    nodes, at = around
    judgement = Judgement(at, gain, 0.0, 0.0)
    return kept_share(judgement, nodes, np.full(len(nodes), moved_m), 0.004, prior)


def test_clear_gains_are_kept_and_clear_losses_not(around, prior):
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(len(around[1]))
    assert np.median(kept(around, prior, 0.3 + noise)) > 0.85
    assert kept(around, prior, -0.3 + noise).max() < 0.1


def test_regions_are_judged_apart(around, prior):
    nodes, at = around
    gain = np.where(at[:, 0] > 0, 0.3, -0.3) + 0.05 * np.random.default_rng(0).standard_normal(
        len(at)
    )
    share = kept(around, prior, gain)
    assert np.median(share[nodes[:, 0] > 0.03]) > 0.8
    assert np.median(share[nodes[:, 0] < -0.03]) < 0.1


def test_far_displacements_are_not_believed(around, prior):
    gain = np.full(len(around[1]), 0.3)
    assert kept(around, prior, gain, 0.004).max() < 1e-9
    assert abs(np.median(kept(around, prior, gain, 0.003)) - 0.5) < 0.1


def test_nothing_is_kept_where_nothing_judges(around, prior):
    nodes, at = around
    judgement = Judgement(at[:0], np.zeros(0), 0.0, 0.0)
    assert not kept_share(judgement, nodes, np.zeros(len(nodes)), 0.004, prior).any()
