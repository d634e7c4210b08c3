"""A scene without a face is drawn anew, some times; then the message is for people."""

import numpy as np
import pytest

from mien.errors import MienError
from mien_training.animator import dataset
from mien_training.animator.dataset import SceneJob, make_recordings, record


@pytest.fixture
def sighted(monkeypatch):
    """Trackers that see nothing in the first `blind` scenes; returns the seeds drawn."""
    pytest.importorskip("torch", reason="recordings need the extra `train`")
    drawn = []
    real = dataset._drawn

    def install(blind):
        def drawing(job, scene_seed):
            drawn.append(scene_seed)
            if len(drawn) > blind:
                return real(job, scene_seed)

            class Blind:
                def landmarks_in(self, image, box):
                    return None

            seeing, dataset._NETS[:] = list(dataset._NETS), [Blind()]
            try:
                return real(job, scene_seed)
            finally:
                dataset._NETS[:] = seeing

        monkeypatch.setattr(dataset, "_drawn", drawing)
        return drawn

    return install


def test_a_scene_without_a_face_is_drawn_anew(sighted):
    job = SceneJob(seed=5, frames=2, kind="sparse")
    plain = record(job)
    drawn = sighted(blind=2)
    again = record(job)
    assert len(set(drawn)) == len(drawn) == 3 and drawn[0] == job.seed
    assert (plain.redrawn, again.redrawn) == (0, 2)
    # Another picture of the same performance.
    np.testing.assert_array_equal(again.weights, plain.weights)
    assert np.abs(again.features - plain.features).max() > 1e-3


def test_a_face_that_is_never_seen_ends_the_run_in_words(sighted):
    drawn = sighted(blind=99)
    with pytest.raises(MienError, match=r"scene 3 of 9: .*4 drawings.*strong degradation") as e:
        record(SceneJob(seed=5, frames=2, kind="sparse", strength="strong"), "scene 3 of 9")
    assert "SceneJob" not in str(e.value) and "mien drive" in str(e.value)
    assert len(drawn) == 4


def test_scenes_are_numbered_and_the_count_is_kept(tmp_path, monkeypatch):
    named = []

    def fake(job, scene):
        named.append(scene)
        return dataset.Recording(
            features=np.zeros((2, 3), np.float32), neutral=np.zeros(3, np.float32),
            weights=np.zeros((2, 52), np.float32), times_s=np.arange(2.0), sequence=False,
            identity_seed=-1, redrawn=1,
        )  # fmt: skip

    class Here:
        """A pool of no processes, which would not see what the test put in."""

        def __init__(self, *_, **__): ...
        def __enter__(self):
            return self

        def __exit__(self, *_): ...

        map = staticmethod(map)

    monkeypatch.setattr(dataset, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(dataset, "record", fake)
    monkeypatch.setattr(dataset, "load_template", lambda name: None)
    jobs = [SceneJob(seed=s, frames=2) for s in range(3)]
    recordings = make_recordings(jobs, tmp_path)
    assert named == ["scene 1 of 3", "scene 2 of 3", "scene 3 of 3"]
    assert [r.redrawn for r in recordings] == [1, 1, 1]


def test_a_head_of_one_person_performs_alone(monkeypatch, tmp_path):
    """A glTF head has no other people: no scene may ask for one."""
    from dataclasses import replace

    from mien_training.animator import train
    from mien_training.templates import load_template

    class Enough(Exception):
        pass

    def planned(jobs, *_):
        assert {job.identity_seed for job in jobs} == {None}
        raise Enough

    alone = replace(load_template("anny"), identity=None)
    monkeypatch.setattr(train, "load_template", lambda name: alone)
    monkeypatch.setattr(train, "make_recordings", planned)
    with pytest.raises(Enough):
        train.train_animator(train.TrainAnimatorConfig(out=tmp_path / "run", frames=2000))
