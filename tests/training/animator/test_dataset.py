"""Recordings: named by content; a scene without a face is drawn anew, some times."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError, MienError
from mien_training.animator import dataset, train
from mien_training.animator.dataset import (
    DriverSequence,
    SceneJob,
    make_recordings,
    plan_jobs,
    record,
)
from mien_training.runs.progress import Progress


@pytest.fixture
def blind(monkeypatch):
    """Trackers that see nothing in the first `scenes` drawings; returns the seeds drawn."""
    pytest.importorskip("torch", reason="recordings need the extra `train`")
    drawn = []
    draw, track = dataset.draw_sequence, dataset._tracked

    def install(scenes):
        def drawing(spec, template, seed, scene_seed):
            drawn.append(scene_seed)
            return draw(spec, template, seed, scene_seed)

        def tracked(sequence, seed):
            return track(sequence, seed) if len(drawn) > scenes else None

        monkeypatch.setattr(dataset, "draw_sequence", drawing)
        monkeypatch.setattr(dataset, "_tracked", tracked)
        return drawn

    return install


@pytest.fixture
def in_this_process(monkeypatch):
    """Jobs are recorded here, as empty sequences that say which scene they were."""
    named = []

    def fake(job, scene):
        named.append(scene)
        return DriverSequence(
            features=np.zeros((2, 3), np.float32), neutral=np.zeros(3, np.float32),
            weights=np.full((2, 52), job.seed, np.float32), times_s=np.arange(2.0),
            sequence=False, identity_seed=-1, redrawn=1,
        )  # fmt: skip

    def run(work, jobs, workers, report, stage=""):
        for done, job in enumerate(jobs, 1):
            work(job)
            report(Progress(stage, done, len(jobs)))

    monkeypatch.setattr(dataset, "record", fake)
    monkeypatch.setattr(dataset, "run_in_processes", run)
    return named


def test_a_scene_without_a_face_is_drawn_anew(blind):
    job = SceneJob(seed=5, frames=2, kind="sparse")
    plain = record(job)
    drawn = blind(scenes=2)
    again = record(job)
    assert len(set(drawn)) == len(drawn) == 3 and drawn[0] == job.seed
    assert (plain.redrawn, again.redrawn) == (0, 2)
    # Another image of the same performance.
    np.testing.assert_array_equal(again.weights, plain.weights)
    assert np.abs(again.features - plain.features).max() > 1e-3


def test_a_tracker_that_sees_nothing_gives_no_sequence(anny, monkeypatch):
    class Blind:
        def landmarks_in(self, image, box):
            return None

    monkeypatch.setattr(dataset, "_NETS", [Blind()])
    job = SceneJob(seed=5, frames=1, kind="sparse")
    assert dataset._tracked(dataset.draw_sequence(job.spec, anny, 5, 5), 5) is None


def test_a_face_that_is_never_seen_ends_the_run_in_words(blind):
    drawn = blind(scenes=99)
    with pytest.raises(MienError, match=r"scene 3 of 9: .*4 drawings.*strong degradation") as e:
        record(SceneJob(seed=5, frames=2, kind="sparse", strength="strong"), "scene 3 of 9")
    assert "SceneJob" not in str(e.value) and "mien drive" in str(e.value)
    assert len(drawn) == 4


def test_scenes_are_numbered_and_the_count_is_kept(tmp_path, in_this_process, anny):
    jobs = [SceneJob(seed=s, frames=2) for s in range(3)]
    recordings = make_recordings(jobs, tmp_path)
    assert in_this_process == ["scene 1 of 3", "scene 2 of 3", "scene 3 of 3"]
    assert [(r.redrawn, r.weights[0, 0]) for r in recordings] == [(1, 0), (1, 1), (1, 2)]
    assert make_recordings(jobs[::-1], tmp_path)[0].weights[0, 0] == 2
    assert len(in_this_process) == 3  # nothing is recorded twice
    assert make_recordings([], tmp_path) == []


def test_recordings_follow_from_content_not_from_paths(
    tmp_path, in_this_process, anny, monkeypatch
):
    """A rig fitted anew in the same folder, or a clip saved again, is recorded anew."""
    clip = tmp_path / "take.csv"
    clip.write_bytes(b"one")
    jobs = [SceneJob(1, 2), SceneJob(2, 2, "clip", clip=str(clip))]
    make_recordings(jobs, tmp_path)
    clip.write_bytes(b"two")
    make_recordings(jobs, tmp_path)
    assert in_this_process == ["scene 1 of 2", "scene 2 of 2", "scene 2 of 2"]
    other = replace(anny, shape_deltas=0.9 * anny.shape_deltas)
    monkeypatch.setattr(dataset, "kept_template", lambda name: other)
    make_recordings(jobs, tmp_path)
    assert len(in_this_process) == 5
    monkeypatch.setattr(dataset, "RENDERING_VERSION", 1_000)
    make_recordings(jobs, tmp_path)
    assert len(in_this_process) == 7
    clip.unlink()
    with pytest.raises(InputError, match=r"take\.csv: cannot be read"):
        make_recordings(jobs, tmp_path)


def test_a_damaged_recording_is_named(tmp_path, in_this_process, anny):
    jobs = [SceneJob(1, 2)]
    make_recordings(jobs, tmp_path)
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match=r"npz: damaged .*delete it"):
        make_recordings(jobs, tmp_path)


def test_a_head_of_one_person_performs_alone(monkeypatch, tmp_path, anny):
    """A glTF head has no other people: no scene may ask for one."""

    class Enough(Exception):
        pass

    def planned(jobs, *_):
        assert {job.identity_seed for job in jobs} == {None}
        raise Enough

    monkeypatch.setattr(train, "load_template", lambda name: replace(anny, identity=None))
    monkeypatch.setattr(train, "make_recordings", planned)
    with pytest.raises(Enough):
        train.train_animator(train.TrainAnimatorConfig(out=tmp_path / "run", frames=2000))


def test_plans_are_what_their_shares_say():
    jobs = plan_jobs(3, 8000, 7)
    frames = {kind: sum(j.frames for j in jobs if j.kind == kind) for kind in
              ("performance", "posed", "sparse")}  # fmt: skip
    assert frames == {"performance": 2400, "posed": 2400, "sparse": 3200}
    others = np.mean([job.identity_seed != 7 for job in jobs])
    assert 0.08 < others < 0.23
    assert jobs == plan_jobs(3, 8000, 7) and jobs != plan_jobs(4, 8000, 7)
    with pytest.raises(InputError, match="200 or more"):
        plan_jobs(3, 100, None)
