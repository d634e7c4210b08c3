"""Smoothed shapes: neighbours tell speed from noise, lids keep theirs, trust decides."""

import numpy as np
import pytest
from scipy.sparse import csr_array, eye_array

from mien.errors import InputError
from mien_training.capture.over_time.shape_filter import (
    ShapeSmoothing,
    SmoothedMesh,
    smooth_shape,
)

COUNT, RATE = 12, 1 / 30
MESH = SmoothedMesh(eye_array(COUNT, format="csr"), np.arange(COUNT) >= 8)
CONFIG = ShapeSmoothing()
SURE = np.ones(COUNT)


def through(shapes, confidence=SURE, mesh=MESH):
    state, out = None, []
    for shape in shapes:
        smooth, state = smooth_shape(shape, confidence, RATE, state, mesh, CONFIG)
        out.append(smooth)
    return np.array(out)


def test_constants_stay_and_turning_the_axes_turns_the_result():
    rng = np.random.default_rng(0)
    rest = rng.normal(0, 0.1, (COUNT, 3))
    np.testing.assert_array_equal(through([rest] * 5), [rest] * 5)
    shapes = rest + np.cumsum(rng.normal(0, 0.002, (20, COUNT, 3)), 0)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    np.testing.assert_allclose(through(shapes @ turn), through(shapes) @ turn, atol=1e-12)


def test_a_blink_keeps_its_depth_where_skin_would_be_blurred():
    curve = np.zeros(40)
    curve[20:27] = np.array([0.2, 0.7, 1, 1, 0.8, 0.4, 0.1])
    shapes = np.zeros((40, COUNT, 3))
    shapes[:, :, 1] = -0.008 * curve[:, None]
    low = through(shapes)[:, :, 1].min(0)
    assert low[8:].max() < -0.0076
    assert low[8:].max() < low[:8].min()


def test_lag_of_steady_motion_is_the_stated_one():
    speed = 0.05
    shapes = np.zeros((120, COUNT, 3))
    shapes[:, :, 2] = speed * np.arange(120)[:, None] * RATE
    late = 119 * RATE - through(shapes)[-1, :, 2] / speed
    np.testing.assert_allclose(late[:8], CONFIG.skin.lag_s(speed), rtol=0.02)
    np.testing.assert_allclose(late[8:], CONFIG.quick.lag_s(speed), rtol=0.02)


def test_what_is_less_sure_is_smoothed_more_and_nobody_else_for_it():
    noise = np.random.default_rng(1).normal(0, 0.001, (200, COUNT, 3))
    doubted = SURE.copy()
    doubted[:4] = 0
    even, uneven = through(noise), through(noise, doubted)
    assert uneven[20:, :4].std() < 0.75 * even[20:, :4].std()
    np.testing.assert_array_equal(uneven[:, 4:], even[:, 4:])


def test_neighbours_tell_noise_from_motion():
    noise = np.random.default_rng(2).normal(0, 0.003, (150, COUNT, 3))
    together = SmoothedMesh(csr_array(np.full((COUNT, COUNT), 1 / COUNT)), MESH.quick)
    assert through(noise, mesh=together)[20:].std() < 0.8 * through(noise)[20:].std()


def test_a_templates_lids_and_lips_are_quick(anny):
    mesh = SmoothedMesh.of(anny)
    assert mesh.quick[anny.regions["lids"] | anny.regions["lips"]].all()
    assert mesh.quick.mean() < 0.3
    np.testing.assert_allclose(mesh.pool.sum(1), 1)


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="expected"):
        smooth_shape(np.zeros((3, 3)), SURE, RATE, None, MESH, CONFIG)
    with pytest.raises(InputError, match="finite"):
        smooth_shape(np.full((COUNT, 3), np.nan), SURE, RATE, None, MESH, CONFIG)
    _, state = smooth_shape(np.zeros((COUNT, 3)), SURE, RATE, None, MESH, CONFIG)
    with pytest.raises(InputError, match="time must increase"):
        smooth_shape(np.zeros((COUNT, 3)), SURE, 0.0, state, MESH, CONFIG)
    with pytest.raises(InputError, match="least_trust"):
        ShapeSmoothing(least_trust=0)
