"""A tuned step is the step and its tuning, and what has learnt nothing changes nothing."""

import pytest
import torch
from support.readings import perfect_reading

from mien.errors import InputError
from mien_training.capture.refinement.linear_step import LinearStep, LinearStepConfig
from mien_training.capture.scans.step_tuning import StepTuning


@pytest.fixture
def step(anny):
    found = LinearStep(anny, LinearStepConfig(controls=20, rank=3))
    rng = torch.Generator().manual_seed(0)
    for name in ("told", "into", "out", "left"):
        buffer = getattr(found, name)
        buffer.copy_(torch.randn(buffer.shape, generator=rng))
    return found


@pytest.fixture
def reading(anny, seen_head):
    return perfect_reading(anny, seen_head, anny.vertices)


@pytest.fixture
def abouts(step, reading):
    own = step.about(reading)
    return torch.stack([own, 1.5 * own, own + 1])


def test_new_it_does_nothing(step, abouts, reading):
    tuning = StepTuning(step, abouts)
    assert not tuning(abouts[0]).any()
    assert torch.equal(tuning.joined(step)(reading), step(reading))


def test_joined_does_both(step, abouts, reading):
    tuning = StepTuning(step, abouts)
    torch.nn.init.normal_(tuning.always)
    torch.nn.init.normal_(tuning.by)
    before = {name: value.clone() for name, value in step.state_dict().items()}
    joined = tuning.joined(step)
    both = step(reading) + tuning(step.about(reading))
    torch.testing.assert_close(joined(reading), both, atol=1e-6, rtol=1e-4)
    assert (both - step(reading)).abs().max() > 1e-4
    assert torch.equal(joined.off, step.off)
    assert all(torch.equal(value, before[name]) for name, value in step.state_dict().items())


def test_one_moment_alone_is_the_usual(step, abouts):
    tuning = StepTuning(step, abouts[:1])
    torch.nn.init.normal_(tuning.by)
    assert not tuning(abouts[0]).any()
    assert torch.isfinite(tuning(abouts[2])).all()


def test_other_sizes_are_refused(step, abouts):
    for wrong in (abouts[:, :2], abouts[0], abouts[:0]):
        with pytest.raises(InputError, match=r"abouts .* expected \(N, 3\)"):
            StepTuning(step, wrong)
