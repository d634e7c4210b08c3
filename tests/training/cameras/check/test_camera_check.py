"""A camera that is off is named, with moments enough, and nobody else."""

import numpy as np
import pytest
from support.sightings import off_by, rig, seen_by

from mien.errors import InputError
from mien_training.cameras.check.camera_check import CheckConfig, check_cameras


def test_the_camera_that_is_off_is_named_and_put_right():
    true = rig(4)
    believed = [*true[:2], off_by(true[2], 0.004), true[3]]
    found = check_cameras(seen_by(true, believed, noise_m=0.003))
    assert found.suspect.tolist() == [False, False, True, False] and found.enough
    assert found.off_m[2] == pytest.approx(0.004, rel=0.25)
    assert np.linalg.norm(found.residual_px, axis=1).argmax() == 2
    stayed = [new is old for new, old in zip(found.corrected, believed, strict=True)]
    assert stayed == [True, True, False, True]
    again = check_cameras(seen_by(true, found.corrected, noise_m=0.003))
    assert not again.suspect.any()
    assert again.off_m.max() < 0.0015


def test_true_cameras_are_not_accused_and_stay():
    true = rig(4)
    found = check_cameras(seen_by(true, true, noise_m=0.003, seed=3))
    assert not found.suspect.any() and found.judged.all()
    assert found.off_m.max() < 0.001


def test_few_moments_accuse_nobody():
    true = rig(4)
    found = check_cameras(seen_by(true, [off_by(true[0], 0.01), *true[1:]], moments=6))
    assert not found.enough and not found.suspect.any() and found.moments == 6
    assert found.off_m.argmax() == 0


def test_two_cameras_are_off_together():
    true = rig(2)
    found = check_cameras(seen_by(true, [off_by(true[0], 0.01, seed=2), true[1]]))
    assert found.suspect.tolist() == [True, True]


def test_a_camera_that_saw_little_is_not_judged():
    true = rig(4)
    seen = seen_by(true, [off_by(true[0], 0.01), *true[1:]])
    rare = (seen.camera != 0) | (seen.point < 50)
    found = check_cameras(seen.chosen(rare))
    assert found.judged.tolist() == [False, True, True, True] and not found.suspect.any()
    assert np.isnan(found.off_m[0]) and found.corrected[0] is seen.cameras[0]


def test_nonsense_is_refused():
    true = rig(2)
    seen = seen_by(true, true, moments=2)
    with pytest.raises(InputError, match="at least two cameras with 100"):
        check_cameras(seen)
    with pytest.raises(InputError, match="ratio"):
        CheckConfig(ratio=0.5)
