"""Believed cameras are off by exactly the pixels asked for, each in a way of its own."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import project
from mien_training.synthetic.capture import believed_cameras
from mien_training.synthetic.capture.rigs import RigSpec, draw_rig

POINTS = np.random.default_rng(1).uniform(-0.12, 0.12, (60, 3))


@pytest.fixture(scope="module")
def cameras():
    return draw_rig(RigSpec(views=(6, 6)), 4)


def errors(cameras, believed):
    return np.stack(
        [project(b, POINTS)[0] - project(c, POINTS)[0]
         for c, b in zip(cameras, believed, strict=True)]
    )  # fmt: skip


@pytest.mark.parametrize("rms_px", [0.05, 0.5, 2.0])
def test_every_camera_is_off_by_as_much_as_asked(cameras, rms_px):
    moved = errors(cameras, believed_cameras(cameras, POINTS, rms_px, 7))
    found = np.sqrt((moved**2).sum(2).mean(1))
    np.testing.assert_allclose(found, rms_px, rtol=1e-3)


def test_all_that_a_calibration_estimates_is_wrong_a_little(cameras):
    for true, believed in zip(cameras, believed_cameras(cameras, POINTS, 0.5, 7), strict=True):
        turn = believed.camera_from_world[:3, :3]
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert (believed.k1, believed.k2) == (true.k1, true.k2)
        assert (believed.width, believed.height) == (true.width, true.height)
        for name in ("K", "camera_from_world"):
            assert np.abs(getattr(believed, name) - getattr(true, name)).max() > 1e-5
        assert np.linalg.norm(believed.centre - true.centre) < 0.05
        assert believed.K[0, 0] / true.K[0, 0] == pytest.approx(believed.K[1, 1] / true.K[1, 1])


def test_errors_repeat_by_seed_and_differ_between_cameras(cameras):
    first = errors(cameras, believed_cameras(cameras, POINTS, 0.5, 7))
    np.testing.assert_array_equal(first, errors(cameras, believed_cameras(cameras, POINTS, 0.5, 7)))
    assert not np.allclose(first, errors(cameras, believed_cameras(cameras, POINTS, 0.5, 8)))
    fewer = errors(cameras[:2], believed_cameras(cameras[:2], POINTS, 0.5, 7))
    np.testing.assert_array_equal(first[:2], fewer)
    assert believed_cameras(cameras, POINTS, 0.0, 7) == cameras


def test_what_makes_no_sense_is_refused(cameras):
    for rms_px in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="rms_px"):
            believed_cameras(cameras, POINTS, rms_px, 0)
    with pytest.raises(InputError, match="expected \\(P, 3\\)"):
        believed_cameras(cameras, POINTS[:2], 0.5, 0)
    with pytest.raises(InputError, match="behind camera 0"):
        believed_cameras(cameras, 3 * cameras[0].centre + POINTS, 0.5, 0)
