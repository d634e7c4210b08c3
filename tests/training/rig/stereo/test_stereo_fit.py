"""Images of one moment agree only on the person's own face."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.metrics.mesh_errors import vertex_errors_mm
from mien_training.rig.fit import fit_rig
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.landmarks.landmark_fit import LandmarkFitConfig
from mien_training.rig.stereo.stereo_fit import StereoConfig, fit_stereo
from mien_training.runs.progress import Progress
from mien_training.templates.regions import face_region

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = RigFitConfig(
    points=LandmarkFitConfig(steps=100),
    stereo=StereoConfig(shrink=(2, 1), steps=80, places=3000),
    steps=2,
    texture_side=64,
    smoothing="surface",
)


@pytest.fixture(scope="module")
def fitted(template, seen):
    return fit_rig(template, seen, SMALL)


def test_views_bring_the_neutral_nearer_than_points_do(template, person, seen, fitted):
    face = face_region(template)
    modes = torch.from_numpy(template.identity.modes)
    people = torch.tensordot(fitted.points.identity, modes, dims=1).numpy()
    heads = (template.vertices, template.vertices + people, fitted.model.rig.arrays()[0])
    mean, points, found = (
        np.median(vertex_errors_mm(head, person.neutral, face, "rigid")) for head in heads
    )
    assert found < 0.8 * mean and found < 0.9 * points


def test_one_moment_has_no_expression(template, seen, fitted):
    weights = fitted.motion_at(seen).weights
    eyes = torch.tensor([n.startswith(("eyeBlink", "eyeLook")) for n in template.shape_names])
    assert (weights[:, ~eyes] == 0).all() and (fitted.points.motion.weights[:, ~eyes] == 0).all()
    np.testing.assert_array_equal(fitted.model.rig.arrays()[1], template.shape_deltas)


def test_pictures_that_never_agree_leave_the_face_alone(template, seen, fitted):
    stereo = replace(SMALL.stereo, shrink=(2,), steps=3, most_disagreement=1e-6)
    fit = fit_rig(template, seen, replace(SMALL, stereo=stereo))
    assert fit.disagreement > 1e-6 and fitted.disagreement < 0.04
    assert not fit.model.rig.u_neutral.any()
    assert torch.equal(fit.model.rig.identity, fit.points.identity)


def test_pictures_that_share_nothing_tell_nothing(template, seen, fitted):
    """Only one of them shows the head, by its mask."""
    masks = torch.ones(seen.images.shape[:3], dtype=torch.bool)
    masks[1:] = False
    stereo = replace(SMALL.stereo, shrink=(2,), steps=3)
    fit = fit_rig(template, replace(seen, masks=masks), replace(SMALL, stereo=stereo))
    assert fit.disagreement is None
    assert not fit.model.rig.u_neutral.any()
    assert torch.equal(fit.model.rig.identity, fit.points.identity)


def test_finished_levels_are_kept(template, seen, tmp_path):
    config = replace(
        SMALL, points=LandmarkFitConfig(steps=5), neutral_rounds=0,
        stereo=replace(SMALL.stereo, steps=6, most_disagreement=1.0),
    )  # fmt: skip
    path, calls = tmp_path / "checkpoint.pt", []

    def stop_at(step: int):
        calls.append([])

        def report(now: Progress) -> None:
            if now.stage == "stereo":
                calls[-1].append(now.done)
                if now.done == step:
                    raise KeyboardInterrupt

        return report

    whole = fit_rig(template, seen, config)
    for step in (9, 11):  # in the second of two levels
        with pytest.raises(KeyboardInterrupt):
            fit_rig(template, seen, config, path, stop_at(step))
    again = fit_rig(template, seen, config, path, stop_at(0))
    fit_rig(template, seen, config, path, stop_at(0))
    assert [call[:1] for call in calls] == [[1], [7], [7], []] and calls[2][-1] == 12
    assert again.disagreement == whole.disagreement
    for name, value in whole.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name


def test_one_picture_is_refused(template, seen, fitted):
    alone = replace(seen, camera=seen.camera[:1])
    faces = torch.from_numpy(template.triangles).long()
    landmark_points = LandmarkPoints(template)
    with pytest.raises(InputError, match="two or more"):
        fit_stereo(
            fitted.model.rig, fitted.points.motion, alone, landmark_points, faces, faces[:, 0] >= 0
        )
    huge = StereoConfig(shrink=(999,))
    with pytest.raises(InputError, match="999 or more pixels"):
        fit_stereo(
            fitted.model.rig,
            fitted.points.motion,
            seen,
            landmark_points,
            faces,
            faces[:, 0] >= 0,
            huge,
        )
    with pytest.raises(InputError, match="StereoConfig"):
        StereoConfig(shrink=())
