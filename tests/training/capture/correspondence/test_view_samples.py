"""Samples are what they say: labels of the crop itself, hints as far off as asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien_training.capture.correspondence.view_samples import SampleSpec, draw_samples
from mien_training.capture.morphable import LinearHeads

SPEC = SampleSpec(side=64)


@pytest.fixture(scope="module")
def heads(anny):
    return LinearHeads(anny.vertices, anny.shape_deltas[:2], np.array([0.3, 0.3]))


def sampled(seen_head, anny, heads, spec, seed=0):
    views = [(seen_head, c) for c in range(4)]
    return draw_samples(views, anny, heads, spec, np.random.default_rng(seed))


def test_a_seed_gives_one_sample(seen_head, anny, heads):
    one, two, other = (sampled(seen_head, anny, heads, SPEC, s) for s in (0, 0, 1))
    assert torch.equal(one.images, two.images) and torch.equal(one.hints, two.hints)
    assert not torch.equal(one.images, other.images)


def test_labels_agree_with_the_moment_s_own(seen_head, anny, heads):
    found = sampled(seen_head, anny, heads, replace(SPEC, hinted=0, wide=0, off_m=0, scale=0))
    labels = found.labels
    assert (labels.skin <= labels.bare).all() and (labels.bare <= labels.there).all()
    for c in range(4):
        share = float(labels.skin[c].float().mean()) / float(seen_head.mask[c].mean())
        assert 0.2 < share < 5
        theirs = np.median(seen_head.canonical[c][seen_head.mask[c]], axis=0)
        own = labels.canonical[c][labels.skin[c]].median(0).values.numpy()
        assert np.abs(own - theirs).max() < 0.01
        length = labels.normals[c][labels.there[c]].norm(dim=-1)
        torch.testing.assert_close(length, torch.ones_like(length))
        # Camera axes: what is seen faces the camera.
        assert float((labels.normals[c][labels.skin[c]][:, 2] < 0).float().mean()) > 0.95


def test_hints_are_there_when_asked_for(seen_head, anny, heads):
    none = sampled(seen_head, anny, heads, replace(SPEC, hinted=0))
    assert (none.hints == 0).all()
    every = sampled(seen_head, anny, heads, SPEC.with_hints(1.0))
    assert (every.hints[:, 3].flatten(1).amax(1) > 0.99).all()


def test_hints_of_larger_errors_are_farther_off(seen_head, anny, heads):
    def off(turn_rad, move_m):
        spec = replace(SPEC.with_hints(1.0), turn_rad=turn_rad, move_m=move_m)
        found = [sampled(seen_head, anny, heads, spec, seed) for seed in range(3)]
        gaps = []
        for s in found:
            on = s.labels.skin & (s.hints[:, 3] > 0.99)
            gaps.append((s.hints[:, :3].permute(0, 2, 3, 1) - s.labels.canonical)[on].norm(dim=-1))
        return float(torch.cat(gaps).median())

    assert off(0.0, 0.0) < off(0.05, 0.005) < off(0.2, 0.02)
