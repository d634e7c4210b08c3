"""Every moment has a result, whatever was interrupted; takes without a head end early."""

import numpy as np
import pytest
from support.captured_takes import CodedPredictor, write_take

from mien.errors import InputError
from mien_training.capture.run.moment_shards import SHARD, joined, joined_sightings
from mien_training.capture.run.predict_moments import common_failures, predict_moments
from mien_training.capture.take import open_take, parse_frames

MOMENTS = 2 * SHARD + 3


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    pictures, calibration = write_take(tmp_path_factory.mktemp("take"), MOMENTS)
    return open_take([pictures], calibration, parse_frames(":"))


def test_the_pose_before_is_the_start_where_it_is_believed(take, head_template, tmp_path):
    predictor = CodedPredictor(head_template, failing={4}, refused={6, 7})
    heard = []
    predict_moments(take, predictor, tmp_path / "moments", heard.append)
    assert [code for code, told in predictor.starts.items() if not told] == [0, 5, 7, 8]
    assert [progress.done for progress in heard] == list(range(1, MOMENTS + 1))
    assert heard[-1].figures["failed"] == 3 and heard[-1].figures["moments/s"] > 0
    found = joined(tmp_path / "moments", MOMENTS)
    assert [n for n in range(MOMENTS) if found["failure"][n]] == [4, 6, 7]
    assert "two cameras must see a head" in found["failure"][6]
    np.testing.assert_array_equal(found["vertices"][6], found["vertices"][5])
    assert not found["confidence"][6].any() and not found["views"][7].any()
    assert not len(joined_sightings(tmp_path / "moments", MOMENTS)[6].camera)


def test_interrupted_and_called_again_it_ends_the_same(take, head_template, tmp_path):
    failing = {"failing": {SHARD - 1}, "refused": {SHARD}}
    predict_moments(take, CodedPredictor(head_template, **failing), tmp_path / "whole")
    part = tmp_path / "part"
    for ending in (SHARD + 1, 2 * SHARD, None):
        predictor = CodedPredictor(head_template, ending=ending, **failing)
        if ending is not None:
            with pytest.raises(KeyboardInterrupt):
                predict_moments(take, predictor, part)
        else:
            predict_moments(take, predictor, part)
    assert min(predictor.starts) == 2 * SHARD  # what was finished is not done again
    whole, resumed = joined(tmp_path / "whole", MOMENTS), joined(part, MOMENTS)
    for name, values in whole.items():
        np.testing.assert_array_equal(values, resumed[name], name)


def test_a_take_without_a_head_ends_early_and_leaves_nothing(take, head_template, tmp_path):
    predictor = CodedPredictor(head_template, refused={0, 1, 2}, failing=range(3, MOMENTS))
    told = (
        r"left, middle, right: no head in any of the first 10 moments \(frames 0 to 9\).*"
        r"cameras\.json: 7 x the rays do not agree; 3 x two cameras must see a head"
    )
    with pytest.raises(InputError, match=told):
        predict_moments(take, predictor, tmp_path / "moments", give_up=10)
    assert len(predictor.starts) == 10 and not (tmp_path / "moments").exists()
    late = CodedPredictor(head_template, refused=range(9))
    predict_moments(take, late, tmp_path / "moments", give_up=10)
    assert sum(map(bool, joined(tmp_path / "moments", MOMENTS)["failure"])) == 9


def test_reasons_by_frequency():
    assert common_failures(["", "a", "b", "", "b"]) == [("b", 2), ("a", 1)]
