"""Laws of smoothed takes: rest, moved worlds, reversed time, moment by moment, gaps."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.capture.over_time import TakeSmoother, TimeConfig, smooth_take

CAUSAL = TimeConfig(mode="causal")
MODES = pytest.mark.parametrize("config", [CAUSAL, TimeConfig()], ids=["causal", "zero-lag"])


@MODES
def test_a_take_without_motion_stays(make_take, smoother, config):
    take = make_take(speed=0.0, mouth_m=0.0)
    found = smooth_take(take, smoother, config)
    np.testing.assert_allclose(found.vertices, take.vertices, atol=1e-6)
    np.testing.assert_allclose(found.world_from_head, take.world_from_head, atol=1e-6)


@MODES
def test_a_rigid_motion_of_the_world_goes_through(make_take, smoother, config):
    take = make_take(noise_m=0.001)
    world = np.eye(4)
    world[:3, :3] = Rotation.from_rotvec([0.4, -1, 2]).as_matrix()
    world[:3, 3] = [0.1, 0.2, -0.3]

    def placed(points):
        return points @ world[:3, :3].T + world[:3, 3]

    moved = replace(
        take, vertices=placed(take.vertices).astype(np.float32),
        world_from_head=world @ take.world_from_head,
    )  # fmt: skip
    found, again = smooth_take(take, smoother, config), smooth_take(moved, smoother, config)
    np.testing.assert_allclose(again.vertices, placed(found.vertices), atol=2e-6)
    np.testing.assert_allclose(again.world_from_head, world @ found.world_from_head, atol=2e-6)


def test_without_lag_time_may_run_backwards(make_take, smoother):
    take = make_take(noise_m=0.001)
    order = np.arange(len(take))[::-1]
    still = replace(take, time_s=np.zeros(len(take)))  # any order will do
    back = replace(still.take(order), time_s=take.time_s[-1] - take.time_s[::-1])
    found, again = smooth_take(take, smoother), smooth_take(back, smoother)
    np.testing.assert_allclose(again.vertices[::-1], found.vertices, atol=1e-6)
    np.testing.assert_allclose(again.world_from_head[::-1], found.world_from_head, atol=1e-6)


@MODES
def test_noise_shrinks(make_take, smoother, config):
    truth = make_take(moments=90, speed=0.0, mouth_m=0.0)
    take = make_take(moments=90, noise_m=0.001, speed=0.0, mouth_m=0.0)
    found = smooth_take(take, smoother, config)
    before, after = (np.std((t.vertices - truth.vertices)[10:-10]) for t in (take, found))
    assert after < 0.7 * before


def test_without_lag_steady_motion_is_not_late(make_take, smoother):
    take = make_take(moments=60, mouth_m=0.0, speed=0.3)
    late = smooth_take(take, smoother, CAUSAL).vertices - take.vertices
    found = smooth_take(take, smoother).vertices - take.vertices
    middle = slice(20, 40)
    assert np.abs(found[middle]).max() < 0.05 * np.abs(late[middle]).max()


def test_moment_by_moment_is_the_causal_take(make_take, smoother):
    take = make_take(noise_m=0.001, failure=("",) * 9 + ("lost",) * 2 + ("",) * 13)
    whole = smooth_take(take, smoother, CAUSAL)
    state = None
    for t in np.flatnonzero(take.good):
        placed, pose, state = smoother.step(
            take.vertices[t], take.world_from_head[t], take.confidence[t], take.time_s[t], state,
            CAUSAL,
        )  # fmt: skip
        np.testing.assert_array_equal(placed.astype(np.float32), whole.vertices[t])
        np.testing.assert_array_equal(pose, whole.world_from_head[t])
    cut = smooth_take(take.take(slice(0, 15)), smoother, CAUSAL)
    np.testing.assert_array_equal(cut.vertices, whole.vertices[:15])


@MODES
def test_failed_moments_have_no_say_and_are_marked(make_take, smoother, config):
    failure = ("lost",) + ("",) * 8 + ("lost",) * 3 + ("",) * 11 + ("lost",)
    take = make_take(failure=failure)
    spoilt = take.vertices.copy()
    spoilt[~take.good] += 5.0
    pose = take.world_from_head.copy()
    pose[~take.good, :3, 3] -= 2.0
    found = smooth_take(take, smoother, config)
    again = smooth_take(replace(take, vertices=spoilt, world_from_head=pose), smoother, config)
    told = np.ones(len(take), bool)
    told[0] = config.mode != "causal"  # nothing was seen yet
    np.testing.assert_array_equal(again.vertices[told], found.vertices[told])
    assert found.failure == failure
    assert not found.confidence[~take.good].any() and found.confidence[take.good].all()


def test_gaps_are_bridged_between_their_ends(make_take, smoother):
    failure = ("",) * 10 + ("lost",) * 3 + ("",) * 11
    take = make_take(mouth_m=0.0, failure=failure)
    found = smooth_take(take, smoother)
    assert np.abs(found.vertices - make_take(mouth_m=0.0).vertices)[9:14].max() < 2e-3
    ends = smooth_take(make_take(failure=("lost",) * 3 + ("",) * 18 + ("lost",) * 3), smoother)
    np.testing.assert_array_equal(ends.vertices[:3], ends.vertices[[3, 3, 3]])
    np.testing.assert_array_equal(ends.vertices[-3:], ends.vertices[[-4, -4, -4]])
    held = smooth_take(take, smoother, CAUSAL)
    np.testing.assert_array_equal(held.vertices[10:13], held.vertices[[9, 9, 9]])


@MODES
def test_one_moment_passes_and_equal_times_are_no_accident(make_take, smoother, config):
    take = make_take(moments=1)
    np.testing.assert_allclose(smooth_take(take, smoother, config).vertices, take.vertices,
                               atol=1e-6)  # fmt: skip
    same = smooth_take(make_take(moments=4, times=[0, 0, 0.1, 0.1]), smoother, config)
    assert np.isfinite(same.vertices).all()


def test_nonsense_is_refused(make_take, smoother):
    with pytest.raises(InputError, match=r"no moment is to be believed [(]blind"):
        smooth_take(make_take(moments=2, failure=("blind", "blind")), smoother)
    small = make_take(moments=2)
    short = replace(
        small, vertices=small.vertices[:, :9], confidence=small.confidence[:, :9],
        views=small.views[:, :9], spread_m=small.spread_m[:, :9],
    )  # fmt: skip
    with pytest.raises(InputError, match="9 vertices, expected 32"):
        smooth_take(short, smoother)
    with pytest.raises(InputError, match="mode"):
        TimeConfig(mode="sideways")


def test_a_smoother_of_a_template(anny):
    found = TakeSmoother.of(anny)
    assert len(found.members) == len(found.weights) and (found.weights > 0).all()
