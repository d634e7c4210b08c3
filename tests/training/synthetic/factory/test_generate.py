"""Data sets: the same bytes however they are made, kept apart by content, read frame by frame."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.runs import shards
from mien_training.runs.content_key import template_digest
from mien_training.runs.progress import Progress
from mien_training.runs.shards import shard_path
from mien_training.synthetic.factory import DatasetReader, draw_sequence, generate, generate_dataset
from mien_training.synthetic.factory.generate import (
    dataset_key,
    sequence_seed,
    worker_template,
)
from mien_training.synthetic.factory.sequence import LabelledFrame
from mien_training.templates.person import write_person


@pytest.fixture(autouse=True, scope="module")
def in_this_process():
    """Processes take seconds to start: one test below starts them, the others need none."""

    def run(work, jobs, workers, report, stage=""):
        for done, job in enumerate(jobs, 1):
            work(job)
            report(Progress(stage, done, len(jobs)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "run_in_processes", run)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory, factory_spec):
    folder = tmp_path_factory.mktemp("people")
    heard = []
    generate_dataset(factory_spec, folder, report=lambda at: heard.append((at.done, at.total)))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_frames_come_back_as_they_were_made(finished, factory_spec, anny):
    read = list(DatasetReader(finished))
    assert len(read) == 3 * 2 * 2
    assert [f.sequence for f in read] == [0] * 4 + [1] * 4 + [2] * 4
    made = draw_sequence(factory_spec.sequence, anny, sequence_seed(factory_spec.seed, 1))
    for frame, expected in zip(read[4:8], made.frames(factory_spec.labels, 1), strict=True):
        for name in LabelledFrame.__dataclass_fields__:
            value, other = getattr(frame, name), getattr(expected, name)
            if name == "camera":
                np.testing.assert_array_equal(value.K, other.K)
                np.testing.assert_array_equal(value.camera_from_world, other.camera_from_world)
                assert (value.width, value.height, value.k1) == (96, 96, other.k1)
            else:
                np.testing.assert_array_equal(value, other, err_msg=name)


def test_an_interrupted_data_set_goes_on_to_the_same_bytes(
    finished, factory_spec, tmp_path, monkeypatch
):
    run = shards.run_in_processes

    def interrupted(work, jobs, workers, report):
        run(work, jobs[1:2], workers, report)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shards, "run_in_processes", interrupted)
        with pytest.raises(KeyboardInterrupt):
            generate_dataset(factory_spec, tmp_path)
    with pytest.raises(InputError, match="2 of 3 shards are not made yet"):
        DatasetReader(tmp_path)
    heard = []
    generate_dataset(factory_spec, tmp_path, report=lambda at: heard.append((at.done, at.total)))
    assert heard == [(2, 3), (3, 3)]
    assert contents(tmp_path) == contents(finished)


def test_a_finished_data_set_is_not_made_again(finished, factory_spec, monkeypatch):
    monkeypatch.setattr(generate, "_make_shard", None)
    generate_dataset(factory_spec, finished)


def test_another_data_set_is_not_mixed_in(finished, factory_spec):
    with pytest.raises(InputError, match="another spec, template, clip or renderer"):
        generate_dataset(replace(factory_spec, seed=6), finished)


def test_a_template_written_anew_is_another_data_set(factory_spec, anny, tmp_path, monkeypatch):
    """In one process, too: what workers keep of a template is no answer of the caller's."""
    monkeypatch.setattr(generate, "_arrays", lambda frames: {})
    write_person(tmp_path, anny, None)
    person = replace(factory_spec.sequence.person, template=str(tmp_path / "person.npz"))
    spec = replace(factory_spec, sequence=replace(factory_spec.sequence, person=person))
    folder = tmp_path / "people"
    generate_dataset(spec, folder)
    write_person(tmp_path, replace(anny, shape_deltas=0.9 * anny.shape_deltas), None)
    with pytest.raises(InputError, match="another spec, template, clip or renderer"):
        generate_dataset(spec, folder)
    with pytest.raises(InputError, match=r"person\.npz': changed since"):
        worker_template(person.template, "digest of another")


def test_the_key_follows_content_not_names(factory_spec, anny, tmp_path, monkeypatch):
    key = dataset_key(factory_spec, anny)
    assert dataset_key(factory_spec, replace(anny)) == key
    moved = replace(anny, vertices=anny.vertices + np.float32(1e-4))
    assert dataset_key(factory_spec, moved) != key
    for field in ("uvs", "shape_deltas", "joint_weights"):
        changed = replace(anny, **{field: getattr(anny, field) + np.float32(1e-3)})
        assert template_digest(changed) != template_digest(anny)
    clip = tmp_path / "take.csv"
    keys = set()
    for text in (b"one", b"two"):
        clip.write_bytes(text)
        performance = replace(factory_spec.sequence.performance, kind="clip", clip=str(clip))
        sequence = replace(factory_spec.sequence, performance=performance)
        keys.add(dataset_key(replace(factory_spec, sequence=sequence), anny))
    assert len(keys) == 2
    monkeypatch.setattr(generate, "RENDERING_VERSION", 1_000)
    assert dataset_key(factory_spec, anny) != key


def test_reading_holds_one_shard_at_a_time(finished, monkeypatch):
    opened = []
    load = np.load
    monkeypatch.setattr(np, "load", lambda path, **o: opened.append(path) or load(path, **o))
    frames = iter(DatasetReader(finished))
    next(frames)
    assert len(opened) == 1
    for _ in range(4):
        next(frames)
    assert len(opened) == 2


def test_what_is_no_data_set_or_damaged_is_refused(finished, tmp_path):
    with pytest.raises(InputError, match="not a data set"):
        DatasetReader(tmp_path)
    for name, data in contents(finished).items():
        (tmp_path / name).write_bytes(data)
    shard_path(tmp_path, 1).write_bytes(b"PK nonsense")
    reader = DatasetReader(tmp_path)
    assert len(list(reader.shard(0))) == 4
    with pytest.raises(InputError, match=r"000001\.npz: damaged"):
        list(reader.shard(1))
    claim = json.loads((tmp_path / "dataset.json").read_bytes())
    assert claim["spec"]["sequences"] == 3 and reader.key == claim["key"]
