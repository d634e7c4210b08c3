"""Cameras are corrected by what all of them saw."""

from dataclasses import replace

import numpy as np
import pytest
from support.sightings import MIDDLE, off_by, rig, seen_by

from mien.errors import InputError
from mien_training.cameras.check.bundle_adjustment import AdjustConfig, adjust_cameras
from mien_training.cameras.check.rig_gauge import align_rig, image_offsets
from mien_training.cameras.check.sightings import changed_camera

CLOUD = MIDDLE + np.random.default_rng(5).normal(0, 0.08, (40, 3))


def left_over(true, found):
    aligned, _ = align_rig(true, found, CLOUD)
    return image_offsets(true, aligned, CLOUD)[0]


@pytest.mark.parametrize("focal", [False, True])
def test_a_wrong_camera_is_put_right(focal):
    true = rig(4)
    wrong = off_by(true[2], 0.006)
    if focal:
        wrong = changed_camera(wrong, [0, 0, 0, 0, 0, 0, 0.01], MIDDLE)
    seen = seen_by(true, [*true[:2], wrong, true[3]], moments=8)
    found = adjust_cameras(seen, AdjustConfig(focal=focal, anchor_m=1.0, change_m=0.1))
    assert left_over(true, seen.cameras).max() > 2
    assert left_over(true, found.cameras).max() < 0.03
    assert (np.diff(found.objective) <= 0).all()
    if not focal:
        assert np.abs(found.changes[:, 6]).max() < 1e-9


def test_true_cameras_stay_and_noise_spoils_them_little():
    true = rig(4)
    still = adjust_cameras(seen_by(true, true, moments=4))
    np.testing.assert_allclose(still.changes, 0, atol=1e-9)
    noisy = adjust_cameras(seen_by(true, true, moments=20, noise_m=0.004))
    assert left_over(true, noisy.cameras).max() < 1.0


def test_order_and_outliers_change_nothing_that_counts():
    true = rig(3)
    seen = seen_by(true, [off_by(true[0], 0.004), *true[1:]], moments=6)
    order = np.random.default_rng(1).permutation(len(seen.camera))
    shuffled = replace(
        seen, camera=seen.camera[order], point=seen.point[order], pixel=seen.pixel[order],
        weight=seen.weight[order],
    )  # fmt: skip
    found, again = adjust_cameras(seen), adjust_cameras(shuffled)
    np.testing.assert_allclose(again.changes, found.changes, atol=1e-9)
    pixel = seen.pixel.copy()
    pixel[::15] += 60
    assert left_over(found.cameras, adjust_cameras(replace(seen, pixel=pixel)).cameras).max() < 0.15


def test_a_camera_that_may_not_move_does_not():
    true = rig(3)
    seen = seen_by(true, [off_by(true[0], 0.004), *true[1:]], moments=6)
    found = adjust_cameras(seen, change_m=[0.01, 1e-6, 1e-6])
    moved = image_offsets(true, found.cameras, CLOUD)[0]
    assert moved[1:].max() < 0.01 and moved[0] < 0.5


def test_nonsense_is_refused():
    true = rig(2)
    seen = seen_by(true, true, moments=2)
    with pytest.raises(InputError, match="1 of 2 cameras"):
        adjust_cameras(seen.chosen(seen.camera == 0))
    with pytest.raises(InputError, match="anchor_m"):
        AdjustConfig(anchor_m=0)


def test_going_on_ends_where_it_would_have():
    true = rig(3)
    seen = seen_by(true, [off_by(true[0], 0.004), *true[1:]], moments=6, noise_m=0.002)
    tight = [0.004, 5e-4, 5e-4]
    at_once = adjust_cameras(seen, change_m=tight)
    later = adjust_cameras(seen, change_m=tight, start=adjust_cameras(seen))
    assert left_over(at_once.cameras, later.cameras).max() < 0.03
    assert len(later.objective) <= len(at_once.objective)
