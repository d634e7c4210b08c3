"""Data sets of moments: the same bytes however they are made, kept apart by content."""

from dataclasses import replace

import pytest

from mien.errors import InputError
from mien_training.runs import shards
from mien_training.synthetic.capture import CaptureReader, generate_captures
from mien_training.synthetic.capture.dataset import generate
from mien_training.synthetic.capture.dataset.generate import capture_key


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_an_interrupted_data_set_goes_on_to_the_same_bytes(
    dataset, dataset_spec, tmp_path, monkeypatch
):
    def interrupted(work, jobs, workers, report):
        work(jobs[1])  # the last first: nothing depends on the order
        raise KeyboardInterrupt

    def goes_on(work, jobs, workers, report):
        assert [job.number for job in jobs] == [0]
        work(jobs[0])

    monkeypatch.setattr(shards, "run_in_processes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate_captures(dataset_spec, tmp_path)
    with pytest.raises(InputError, match="1 of 2 shards are not made yet"):
        CaptureReader(tmp_path)
    monkeypatch.setattr(shards, "run_in_processes", goes_on)
    generate_captures(dataset_spec, tmp_path)
    assert contents(tmp_path) == contents(dataset)


def test_a_finished_data_set_is_not_made_again_and_not_mixed_with_another(
    dataset, dataset_spec, monkeypatch
):
    monkeypatch.setattr(generate, "_make_shard", None)
    generate_captures(dataset_spec, dataset)
    with pytest.raises(InputError, match="another spec"):
        generate_captures(replace(dataset_spec, first_seed=5), dataset)


def test_the_key_follows_spec_and_template(dataset_spec, anny, monkeypatch):
    key = capture_key(dataset_spec, anny)
    assert capture_key(replace(dataset_spec), anny) == key
    moment = replace(dataset_spec.moment, reach_m=0.05)
    assert capture_key(replace(dataset_spec, moment=moment), anny) != key
    assert capture_key(dataset_spec, replace(anny, vertices=anny.vertices + 1e-4)) != key
    monkeypatch.setattr(generate, "RENDERING_VERSION", 1_000)
    assert capture_key(dataset_spec, anny) != key
