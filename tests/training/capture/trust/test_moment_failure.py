"""Each reason has its message, good moments have none, and jumps are there and back."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.capture.trust import (
    FailureConfig,
    MomentEvidence,
    jump_failures,
    moment_failure,
    shape_evidence,
)

GOOD = {"seen_share": 0.7, "inliers": 0.9, "residual_m": 0.004, "size": 1.05, "shape_m": 0.004}


def test_a_good_moment_and_an_unknown_one_are_believed():
    assert moment_failure(MomentEvidence(**GOOD)) == ""
    assert moment_failure(MomentEvidence()) == ""


@pytest.mark.parametrize(
    ("bad", "told"),
    [({"seen_share": 0.05}, "5% of the head"), ({"inliers": 0.1}, "10% of the corr"),
     ({"residual_m": 0.05}, "50 mm off the mesh"), ({"size": 1.8}, "1.80 times"),
     ({"size": 0.1}, "0.10 times"), ({"shape_m": 0.03}, "30 mm off any"),
     ({"mirrored": True}, "mirrored")],
)  # fmt: skip
def test_each_reason_has_its_message(bad, told):
    assert told in moment_failure(MomentEvidence(**{**GOOD, **bad}))


def test_shape_is_told_apart_from_pose_and_size():
    rng = np.random.default_rng(0)
    rest = rng.normal(0, 0.08, (60, 3))
    turn = Rotation.from_rotvec([1, 2, 0.5]).as_matrix()
    at = 1.2 * rest @ turn.T + [0.3, 1, -2]
    found = shape_evidence(at, rest)
    assert found.size == pytest.approx(1.2) and found.shape_m < 1e-9 and not found.mirrored
    assert shape_evidence(at * [1, 1, -1], rest).mirrored
    noisy = shape_evidence(at + rng.normal(0, 0.01, at.shape), rest)
    assert noisy.shape_m == pytest.approx(0.01 * np.sqrt(3), rel=0.2) and not noisy.mirrored
    assert moment_failure(shape_evidence(at * np.nan, rest))
    with pytest.raises(InputError, match="at least 4"):
        shape_evidence(at[:3], rest[:3])


def poses(count=12):
    found = np.tile(np.eye(4), (count, 1, 1))
    found[:, 0, 3] = 0.01 * np.arange(count)
    return found


@pytest.mark.parametrize("at", [0, 5, 11])
@pytest.mark.parametrize("turns", [False, True])
def test_what_jumps_away_and_back_is_marked(at, turns):
    pose, times = poses(), np.arange(12) / 30
    if turns:
        pose[at, :3, :3] = Rotation.from_rotvec([0, 2, 0]).as_matrix()
    else:
        pose[at, :3, 3] += 0.5
    found = jump_failures(times, pose, ("",) * 12)
    assert [bool(text) for text in found] == [t == at for t in range(12)]


def test_heads_that_go_elsewhere_and_failures_stay():
    pose, times = poses(), np.arange(12) / 30
    pose[6:, :3, 3] += 0.5  # a cut: nobody can tell which half is right
    told = ("", "", "lost") + ("",) * 9
    assert jump_failures(times, pose, told) == told
    pose = poses()
    pose[2, :3, 3] += 9  # failed already, and nobody's neighbour
    assert jump_failures(times, pose, told) == told
    for count in (0, 1, 2):
        assert jump_failures(times[:count], pose[:count], ("",) * count) == ("",) * count


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="as many of each"):
        jump_failures(np.zeros(3), poses(2), ("", ""))
    with pytest.raises(InputError, match="size about 1"):
        FailureConfig(size=(1.1, 1.3))
    with pytest.raises(InputError, match="shares"):
        FailureConfig(least_seen=2)
