"""Weights beforehand: the script's, else the scores', else small ones."""

import numpy as np
import pytest
from support.captured import captured_meshes

from mien.clip import Clip
from mien.errors import InputError
from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.pose_script import read_script
from mien_training.rig.from_meshes.weight_belief import believed_weights, scores_at

NAMES = ("jawOpen", "mouthPucker")
CONFIG = MeshFitConfig(asked_spread=0.1, unasked_spread=0.4)


@pytest.fixture
def meshes():
    return captured_meshes(4, 5)


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "poses.csv"
    path.write_text("order,mouthPucker\n3,0.8\n")
    return read_script(path, NAMES)


def test_who_knows_nothing_thinks_of_small_weights(meshes):
    belief, asked = believed_weights(meshes, NAMES, CONFIG)
    assert not belief.mean.any() and not asked.any()
    np.testing.assert_array_equal(belief.spread, 0.4)


def test_a_script_counts_in_its_moments_and_scores_elsewhere(meshes, script):
    belief, asked = believed_weights(meshes, NAMES, CONFIG, script)
    assert asked.tolist() == [False, False, True, False]
    np.testing.assert_array_equal(belief.mean[2], [0, 0.8])
    np.testing.assert_array_equal(belief.spread[:, 0], [0.4, 0.4, 0.1, 0.4])
    scores = np.full((4, 2), 0.25)
    scores[0] = 1.2
    both, _ = believed_weights(meshes, NAMES, CONFIG, script, scores)
    np.testing.assert_array_equal(both.mean[:, 1], [1, 0.25, 0.8, 0.25])
    np.testing.assert_array_equal(both.spread, 0.1)


def test_scores_of_other_moments_are_refused(meshes):
    for wrong in (np.zeros((3, 2)), np.full((4, 2), np.nan)):
        with pytest.raises(InputError, match="scores"):
            believed_weights(meshes, NAMES, CONFIG, scores=wrong)


def test_a_recording_is_read_at_the_meshes_times(meshes, tmp_path):
    path = tmp_path / "take.npz"
    times = np.array([5.0, 5.1])  # its clock starts with the first picture
    Clip(("jawOpen",), times, np.array([[0.0], [0.9]])).write(path)
    found = scores_at(path, meshes, NAMES)
    np.testing.assert_allclose(found[:, 0], 9 * meshes.time_s, atol=1e-6)
    assert not found[:, 1].any()
    late = captured_meshes(9, 5)
    with pytest.raises(InputError, match=r"take\.npz: lasts 0\.10 s, the meshes 0\.27 s"):
        scores_at(path, late, NAMES)
