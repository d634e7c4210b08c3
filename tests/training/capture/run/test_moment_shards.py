"""Results come back from disk as they were."""

from dataclasses import fields

import numpy as np
import pytest
from support.captured_takes import CodedPredictor, ring_of_cameras

from mien.errors import InputError
from mien_training.capture.run.moment_shards import (
    SHARD,
    finished_moments,
    joined,
    joined_sightings,
    read_shard,
    stage_seconds,
    write_shard,
)
from mien_training.runs.shards import shard_path

NAMES = ("vertices", "world_from_head", "confidence", "views", "spread_m")


@pytest.fixture(scope="module")
def results(head_template):
    predictor = CodedPredictor(head_template, failing={3})
    return [
        predictor.predict(
            [np.full((4, 4, 3), (n, c, 0), np.uint8) for c in range(3)], ring_of_cameras(), None
        )
        for n in range(SHARD + 2)
    ]


@pytest.fixture
def folder(results, tmp_path):
    folder = tmp_path / "moments"
    write_shard(folder, 0, results[:SHARD])
    write_shard(folder, 1, results[SHARD:])
    return folder


def test_what_was_written_is_read(folder, results):
    found = read_shard(folder, 0) + read_shard(folder, 1)
    whole = joined(folder, len(results))
    seen = joined_sightings(folder, len(results))
    for n, (one, other) in enumerate(zip(found, results, strict=True)):
        for name in NAMES:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
            np.testing.assert_array_equal(whole[name][n], getattr(other, name))
        for field in fields(other.sightings):
            expected = getattr(other.sightings, field.name)
            np.testing.assert_array_equal(getattr(one.sightings, field.name), expected)
            np.testing.assert_array_equal(getattr(seen[n], field.name), expected)
        assert one.failure == other.failure == whole["failure"][n]
    assert stage_seconds(folder, len(results)) == {}


def test_finished_is_what_lies_there_without_a_gap(folder, results):
    total = len(results)
    assert finished_moments(folder, total) == total
    shard_path(folder, 0).unlink()
    assert finished_moments(folder, total) == 0


def test_a_damaged_file_is_named(folder):
    shard_path(folder, 1).write_bytes(b"half a file")
    with pytest.raises(InputError, match=r"shard-000001\.npz: damaged"):
        read_shard(folder, 1)
    with np.load(shard_path(folder, 0)) as file:
        arrays = {name: file[name] for name in file.files if name != "views"}
    np.savez(shard_path(folder, 0), **arrays)
    with pytest.raises(InputError, match=r"shard-000000\.npz: damaged"):
        read_shard(folder, 0)
