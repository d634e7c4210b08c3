"""Moments become one file; where the time went is kept beside it."""

from dataclasses import replace

import numpy as np
import pytest
from support.captured_takes import CodedPredictor, write_take

from mien.errors import InputError
from mien_training.capture.run import join_moments as room
from mien_training.capture.run.join_moments import join_moments, read_seconds
from mien_training.capture.run.moment_shards import SHARD, read_shard
from mien_training.capture.run.predict_moments import predict_moments
from mien_training.capture.take import open_take, parse_frames
from mien_training.footage.captured import read_meshes, read_residuals
from mien_training.runs.content_key import topology_digest
from mien_training.runs.shards import shard_path


@pytest.fixture
def done(head_template, tmp_path):
    pictures, calibration = write_take(tmp_path, SHARD + 1, first=4)
    take = open_take([pictures], calibration, parse_frames(":"))
    predict_moments(take, CodedPredictor(head_template, failing={5}), tmp_path / "moments")
    return take, tmp_path


def test_what_the_moments_say(done, head_template):
    take, folder = done
    join_moments(folder, folder / "moments", take, head_template)
    meshes = read_meshes(folder)
    assert meshes.topology_sha256 == topology_digest(head_template)
    assert meshes.frame.tolist() == list(range(4, SHARD + 5))
    assert meshes.failure[1] and meshes.good.sum() == SHARD
    last = read_shard(folder / "moments", 1)[0]
    np.testing.assert_array_equal(meshes.vertices[-1], last.vertices)
    seen = read_residuals(folder)
    own = seen.moment == len(meshes) - 1
    np.testing.assert_array_equal(seen.pixel[own], last.sightings.pixel)
    np.testing.assert_array_equal(seen.camera[own], last.sightings.camera)
    seconds = read_seconds(folder)
    assert set(seconds) == {"reading", "predicting"} and min(seconds.values()) > 0


def test_what_is_missing_is_named(done, head_template):
    take, folder = done
    shard_path(folder / "moments", 1).unlink()
    with pytest.raises(InputError, match=r"shard-000001\.npz"):
        join_moments(folder, folder / "moments", take, head_template)
    assert not (folder / "meshes.npz").exists()
    with pytest.raises(InputError, match=r"seconds\.json"):
        read_seconds(folder)


def test_smoothed_the_meshes_as_captured_are_kept(done, head_template, monkeypatch):
    take, folder = done

    def steadied(meshes, smoother, config):
        assert smoother == "smoother" and config.mode == "causal"
        return replace(meshes, vertices=meshes.vertices + 1)

    monkeypatch.setattr(room, "smooth_take", steadied)
    monkeypatch.setattr(room.TakeSmoother, "of", lambda template: "smoother")
    join_moments(folder, folder / "moments", take, head_template, "causal")
    before = read_meshes(folder / room.UNSMOOTHED_FILE)
    np.testing.assert_array_equal(read_meshes(folder).vertices, before.vertices + 1)
