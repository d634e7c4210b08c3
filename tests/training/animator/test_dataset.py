"""Recordings: named by content; a scene without a face is drawn anew, then left out."""

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
from mien_training.synthetic.factory.generate import worker_template
from mien_training.templates.person import write_person


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


class Recorded(list):
    """Seeds of the jobs that were recorded."""

    unseen = ()


@pytest.fixture
def in_this_process(monkeypatch):
    """Jobs are recorded here, as empty sequences that say which scene they were; those with a seed
    in `unseen` show no face. Returns the seeds recorded."""
    recorded = Recorded()

    def fake(job, template):
        recorded.append(job.seed)
        if job.seed in recorded.unseen:
            return None
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
    worker_template.cache_clear()
    yield recorded
    worker_template.cache_clear()


def test_a_scene_without_a_face_is_drawn_anew(blind, anny):
    job = SceneJob(seed=5, frames=2, kind="sparse")
    plain = record(job, anny)
    drawn = blind(scenes=2)
    again = record(job, anny)
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


def test_a_face_that_is_never_seen_gives_no_recording(blind, anny):
    drawn = blind(scenes=99)
    assert record(SceneJob(seed=5, frames=2, kind="sparse", strength="strong"), anny) is None
    assert len(drawn) == 4


def test_a_scene_never_seen_is_left_out_of_a_long_run(tmp_path, in_this_process, anny):
    jobs = [SceneJob(seed=s, frames=2) for s in range(40)]
    in_this_process.unseen = (7, 30)
    recordings = make_recordings(jobs, tmp_path)
    assert [r.weights[0, 0] for r in recordings] == [s for s in range(40) if s not in (7, 30)]
    assert len(make_recordings(jobs, tmp_path)) == 38
    assert len(in_this_process) == 40  # and not drawn again


def test_a_head_that_the_tracker_does_not_see_ends_the_run_early(tmp_path, in_this_process, anny):
    jobs = [SceneJob(seed=s, frames=2, strength="strong") for s in range(40)]
    in_this_process.unseen = range(2, 40)
    words = r"no face in 3 of 40 scenes.*5%.*scene 3: 4 drawings.*strong degradation"
    with pytest.raises(MienError, match=words) as e:
        make_recordings(jobs, tmp_path)
    assert "SceneJob" not in str(e.value) and "mien track SOURCE --out take.csv" in str(e.value)
    assert len(in_this_process) == 5
    with pytest.raises(MienError, match=words):
        make_recordings(jobs, tmp_path)
    assert len(in_this_process) == 5


def test_order_and_counts_are_kept(tmp_path, in_this_process, anny):
    jobs = [SceneJob(seed=s, frames=2) for s in range(3)]
    recordings = make_recordings(jobs, tmp_path)
    assert in_this_process == [0, 1, 2]
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
    write_person(tmp_path, anny, None)
    person = str(tmp_path / "person.npz")
    jobs = [SceneJob(1, 2, template=person), SceneJob(2, 2, "clip", clip=str(clip))]
    make_recordings(jobs, tmp_path)
    clip.write_bytes(b"two")
    make_recordings(jobs, tmp_path)
    assert in_this_process == [1, 2, 2]
    write_person(tmp_path, replace(anny, shape_deltas=0.9 * anny.shape_deltas), None)
    worker_template.cache_clear()  # every call has worker processes of its own
    make_recordings(jobs, tmp_path)
    assert in_this_process == [1, 2, 2, 1]
    for name, other in (("RENDERING_VERSION", 1_000), ("tracker_digest", lambda: "other nets")):
        monkeypatch.setattr(dataset, name, other)
        make_recordings(jobs, tmp_path)
    assert in_this_process == [1, 2, 2, 1, 1, 2, 1, 2]
    clip.unlink()
    with pytest.raises(InputError, match=r"take\.csv: cannot be read"):
        make_recordings(jobs, tmp_path)


def test_a_rig_written_anew_meanwhile_is_not_recorded_under_the_old_name(
    tmp_path, in_this_process, anny
):
    write_person(tmp_path, anny, None)
    jobs = [SceneJob(1, 2, template=str(tmp_path / "person.npz"))]
    with pytest.raises(InputError, match=r"person\.npz': changed since"):
        make_recordings(jobs, tmp_path, heads={jobs[0].template: "digest of another"})
    assert in_this_process == []


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
