"""Views of a step follow from the step alone, whoever draws them."""

from dataclasses import fields

import pytest
import torch

from mien_training.capture.correspondence.step_samples import StepSamples, drawn_ahead
from mien_training.capture.correspondence.view_samples import SampleSpec


@pytest.fixture(scope="module")
def samples(moments, anny):
    return StepSamples(moments, anny, SampleSpec(side=32), batch=2, seed=3)


def same(one, other):
    labels = [(getattr(one.labels, f.name), getattr(other.labels, f.name))
              for f in fields(one.labels)]  # fmt: skip
    return all(torch.equal(a, b) for a, b in [(one.images, other.images), *labels])


def test_steps_are_drawn_alike_in_any_order(samples):
    forth = [samples[step] for step in range(4)]
    back = [samples[step] for step in reversed(range(4))][::-1]
    assert all(map(same, forth, back))
    assert not any(same(forth[0], other) for other in forth[1:])


def test_an_epoch_looks_at_every_shard(samples):
    assert samples.reader.shards == 2 and samples.steps_of_shard == 1
    seen = []
    for step in range(4):
        samples[step]
        seen.append(samples._number)
    assert sorted(seen[:2]) == sorted(seen[2:]) == [0, 1]


def test_another_process_draws_the_same(samples):
    ahead = drawn_ahead(samples, 6, workers=1)
    here = drawn_ahead(samples, 6, workers=0)
    for step in range(2, 6):
        assert same(ahead(step), here(step))
