"""The loop's bookkeeping: which frames a step sees, what is kept, when a stage ends."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from support.rig_scene import recorded_scene, small_person

from mien_training.rig.fit import moments_of
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.photometric.fit_loop import FitLoop
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.robust.frame_errors import frame_errors
from mien_training.runs.progress import silent

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = RigFitConfig(
    smoothing="none", texture_side=16, neutral_rounds=2, joint_rounds=1, steps=3,
    held_out=4, pass_frames=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def person():
    return small_person()


def loop_of(person, report=silent, **changes):
    config = replace(CONFIG, **changes)
    filmed = recorded_scene(person)
    objective = Objective(person, filmed.seen, filmed.fit.model, config)
    moment, _ = moments_of(filmed.seen.camera, filmed.seen.times_s)
    return FitLoop(objective, moment, config, report)


@pytest.fixture(scope="module")
def whole(person):
    told = []
    loop = loop_of(person, told.append)
    loop.run()
    return loop, told


def test_held_out_frames_lend_their_points_alone(person):
    loop = loop_of(person)
    assert loop.held_out.tolist() == [2, 6, 10, 14, 18, 22]
    held = set(loop.held_out.tolist())
    for step in range(20):
        frames = loop._draw(False, 0, step).tolist()
        assert len(frames) == 4 and not held & set(frames)
        assert frames == loop._draw(False, 0, step).tolist()  # a resumed run sees the same ones
    uses = loop.objective.uses_pixels
    assert set((~uses).nonzero()[:, 0].tolist()) == held
    assert held < set(loop_of(person, pass_frames=100)._pass_frames().tolist())


def test_a_step_sees_all_cameras_of_its_moments(person):
    loop = loop_of(person)
    first, second = loop._draw(True, 1, 0).reshape(2, 2) % 12
    assert first[0] == first[1] != second[0] == second[1]


def test_few_frames_are_all_used(person):
    assert not len(loop_of(person, held_out=10).held_out)


def test_every_pass_draws_other_frames(person):
    loop = loop_of(person)
    first = loop._pass_frames().tolist()
    loop.round = 1
    assert len(first) == 8 and first != loop._pass_frames().tolist()
    assert loop_of(person, pass_frames=100)._pass_frames().tolist() == list(range(24))


def test_progress_counts_every_stage_to_its_end(whole):
    loop, told = whole
    assert [name for name, _ in loop.stages] == ["neutral", "joint"]
    for name, _ in loop.stages:
        steps, totals = zip(*((p.done, p.total) for p in told if p.stage == name), strict=True)
        assert list(steps) == sorted(steps) and steps[-1] == totals[-1] and len(set(totals)) == 1


def test_the_best_round_is_what_is_left(whole):
    loop, _ = whole
    joint = [h["held_out"] for h in loop.history if h["round"] >= 2]
    assert len(loop.history) == 3 and loop.best == min(joint)
    assert loop.figures["held_out"] == loop.best
    kept = loop.model.state_dict()
    for name, value in loop.best_state.items():
        assert torch.equal(kept[name], value)


def test_interrupted_between_rounds_it_goes_on_alike(person, whole):
    kept = []

    def stop(now):
        if now.stage == "joint":
            raise KeyboardInterrupt

    first = loop_of(person, stop)
    with pytest.raises(KeyboardInterrupt):
        first.run(lambda state: kept.append(deepcopy(state)))
    again = loop_of(person)
    again.restore(kept[-1])
    assert len(kept) == again.round == 2
    again.run()
    assert again.history == whole[0].history
    for name, value in whole[0].model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name


def test_a_stage_without_progress_ends_early(person, monkeypatch):
    loop = loop_of(person, neutral_rounds=9, joint_rounds=0, patience=2)
    monkeypatch.setattr(loop, "_round", lambda *_: None)  # nothing is learnt
    loop.run()
    assert len(loop.history) == 3 and loop.round == 9


def test_kept_shapes_have_no_joint_stage(person):
    assert loop_of(person, personal_shapes=False).stages[1] == ("joint", 0)


def test_frames_that_leave_their_points_are_started_again(person):
    loop = loop_of(person, pass_frames=100)
    frames = torch.arange(24)
    assert frame_errors(loop.objective, loop.model.rig(), frames).points_px.max() < 0.3
    with torch.no_grad():
        loop.model.motion.rotation[6:12, 1] += 0.6
    errors = frame_errors(loop.objective, loop.model.rig(), frames)
    lost = errors.points_px > 0.02 * loop.objective.face_px
    assert 4 <= lost.sum() < 24
    loop._start_again(frames, errors, True)
    assert torch.equal(loop.restarts > 0, lost)
    assert frame_errors(loop.objective, loop.model.rig(), frames).points_px.max() < 0.5


def test_frames_lost_too_often_follow_their_points_alone(person):
    loop = loop_of(person)
    loop.restarts[[3, 15]] = 3
    loop._choose_pixels()
    assert not loop.objective.uses_pixels[[3, 15]].any()
    assert not {3, 15} & set(torch.cat(loop._moments).tolist())
    again = loop_of(person)
    again.restore(loop.state())
    assert torch.equal(again.objective.uses_pixels, loop.objective.uses_pixels)
