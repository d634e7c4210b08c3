"""Moments of a report are telling, each shown once."""

from dataclasses import replace

import numpy as np
from support.captured import captured_meshes

from mien_training.capture.report.telling_moments import (
    mean_confidence,
    moments_over_time,
    telling_moments,
    textured_moments,
)


def take(confidence, lost=()):
    count = len(confidence)
    meshes = captured_meshes(count, 5, tuple("lost" if n in lost else "" for n in range(count)))
    return replace(meshes, confidence=np.repeat(np.float16(confidence)[:, None], 5, 1))


def test_best_median_and_worst():
    found = telling_moments(take([0.5, 0.9, 0.7, 0.3, 0.6]))
    assert found == {"best": 1, "median": 4, "worst": 3}
    assert telling_moments(take([0.5, 0.9, 0.7], lost={1}))["worst"] == 1
    assert telling_moments(take([0.5])) == {"best": 0}
    assert telling_moments(take([0.5, 0.6])) == {"best": 1, "median": 0}
    assert mean_confidence(take([0.5, 0.5], lost={0}))[0] == -1


def test_over_time_from_the_first_to_the_last():
    assert moments_over_time(take([0.5] * 3)) == [0, 1, 2]
    many = moments_over_time(take([0.5] * 50), most=6)
    assert many[0] == 0 and many[-1] == 49 and len(many) == 6


def test_textures_are_of_good_moments_of_all_parts():
    confidence = [0.1, 0.9, 0.2, 0.8, 0.3, 0.4]
    assert textured_moments(take(confidence)) == [1, 3, 5]
    assert textured_moments(take(confidence, lost={2, 3})) == [1, 5]
    assert textured_moments(take([0.5])) == [0]
