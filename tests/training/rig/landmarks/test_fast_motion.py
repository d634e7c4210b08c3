"""Knots follow what is fast: a blink gets them, a slow turn does not."""

from dataclasses import replace

import pytest
import torch
from support.rig_scene import recorded_scene, small_person

from mien.errors import InputError
from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.rig.landmarks.fast_motion import KnotConfig, knots_for
from mien_training.rig.model.motion import Motion, MotionSpline
from mien_training.rig.model.personal_rig import Shapes

COUNT = 60
TIMES = torch.arange(COUNT) / 30


@pytest.fixture(scope="module")
def scene():
    """One camera's frames of one face; what the face does is up to the test."""
    person = small_person()
    filmed = recorded_scene(person)
    one = torch.zeros(COUNT, dtype=torch.int64)
    seen = replace(
        filmed.seen, camera=one, times_s=TIMES, frame=torch.arange(COUNT),
        images=filmed.seen.images[:1].expand(COUNT, -1, -1, -1),
        points=filmed.seen.points[:1].expand(COUNT, -1, -1), trusted=one == 0,
    )  # fmt: skip
    shapes = Shapes(torch.tensor(person.vertices), torch.tensor(person.shape_deltas))
    return shapes, LandmarkPoints(person), seen


def motion(blink_at: int | None = None) -> Motion:
    """A slow turn of the head, and a blink of three frames."""
    weights, rotation = torch.zeros(COUNT, 5), torch.zeros(COUNT, 3)
    rotation[:, 1] = 0.3 * torch.sin(2 * TIMES)
    if blink_at is not None:
        weights[blink_at - 1 : blink_at + 2, 0] = torch.tensor([0.6, 1.0, 0.5])
        weights[blink_at - 1 : blink_at + 2, 1] = torch.tensor([0.6, 1.0, 0.5])
    return Motion(weights, rotation, torch.zeros(COUNT, 3))


def placed(scene, found, config=None):
    shapes, points, seen = scene
    moment = torch.arange(COUNT)
    return knots_for(
        shapes, found, TIMES, (-0.1, 2.1), points, seen, moment, config or KnotConfig()
    )


def test_what_is_slow_has_few_knots(scene):
    knots = placed(scene, motion())
    slow = KnotConfig().slow_hz
    torch.testing.assert_close(knots.rate_hz, torch.full_like(knots.rate_hz, slow))


def test_a_blink_has_its_knots_and_they_follow_it(scene):
    found, config = motion(blink_at=30), KnotConfig(slow_hz=10.0)
    knots = placed(scene, found, config)
    _, rate = knots.at(TIMES)
    assert rate[28:33].min() > 25 and rate[:20].max() < 11 and rate[41:].max() < 11
    near, far = MotionSpline(knots, 5), MotionSpline.uniform(-0.1, 2.1, 5, config.slow_hz)
    for spline in (near, far):
        spline.fit_samples(TIMES, found)
    miss = [float((s(TIMES).weights - found.weights).detach().abs().max()) for s in (near, far)]
    assert miss[0] < 0.1 < 0.25 < miss[1]


def test_there_are_never_more_knots_than_asked_for_each_moment(scene):
    knots = placed(scene, motion(30), KnotConfig(tolerance=1e-6, per_moment=0.8))
    assert knots.rate_hz.max() <= 24 + 1e-4


def test_few_moments_have_as_many_knots(scene):
    shapes, points, seen = scene
    found = Motion(torch.zeros(2, 5), torch.zeros(2, 3), torch.zeros(2, 3))
    two = replace(
        seen, camera=seen.camera[:2], times_s=torch.tensor([0.0, 1.0]), frame=seen.frame[:2],
        images=seen.images[:2], points=seen.points[:2], trusted=seen.trusted[:2],
    )  # fmt: skip
    knots = knots_for(
        shapes, found, two.times_s, (-0.1, 1.1), points, two, torch.arange(2), KnotConfig()
    )
    assert knots.controls < 6


def test_numbers_out_of_range():
    with pytest.raises(InputError, match="tolerance=0"):
        KnotConfig(tolerance=0.0)
