"""A blink of one frame is read from the tracker's lids; what the fit has right stays."""

from dataclasses import replace

import pytest
import torch
from support.rig_scene import NAMES, recorded_scene, small_person

from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.rig.landmarks.lid_closure import close_lids
from mien_training.rig.model.motion import Motion, rotation_from_vector

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")

BLINK, FRAME = NAMES.index("eyeBlinkLeft"), 5


@pytest.fixture(scope="module")
def scene():
    return recorded_scene(small_person())


@pytest.fixture(scope="module")
def motion(scene):
    with torch.no_grad():
        model = scene.fit.model
        moved = model.motion(model.time_offsets(scene.seen.camera, scene.seen.times_s))
    return Motion(moved.weights.clamp(0, 1), moved.rotation, moved.translation)


def tracked(scene, motion, weights):
    """The recording with the tracker's points of those weights (N, K)."""
    shapes, landmark_points = scene.fit.model.rig(), LandmarkPoints(scene.person)
    with torch.no_grad():
        posed = shapes.posed(Motion(weights, motion.rotation, motion.translation))
        return replace(
            scene.seen,
            points=scene.seen.views.pixels(scene.seen.camera, landmark_points.positions(posed)),
        )


def closed(scene, motion, seen, names=NAMES):
    landmark_points = LandmarkPoints(scene.person)
    with torch.no_grad():
        shapes = scene.fit.model.rig()
        return close_lids(shapes, names, motion, landmark_points, torch.zeros(478, 3), seen)


def blinking(motion, amount):
    weights = motion.weights.clone()
    weights[FRAME, BLINK] = amount
    return weights


def test_a_blink_that_the_motion_lacks_is_found_in_its_frame(scene, motion):
    seen = tracked(scene, motion, blinking(motion, 1.0))
    found = closed(scene, motion, seen).weights
    assert motion.weights[FRAME, BLINK] < 0.01 and found[FRAME, BLINK] > 0.95
    others = torch.ones_like(found, dtype=torch.bool)
    others[FRAME, BLINK] = False
    torch.testing.assert_close(found[others], motion.weights[others])
    half = closed(scene, motion, tracked(scene, motion, blinking(motion, 0.6)))
    assert half.weights[FRAME, BLINK] == pytest.approx(0.6, abs=0.1)


def test_what_the_motion_has_already_stays(scene, motion):
    shut = Motion(blinking(motion, 0.9), motion.rotation, motion.translation)
    seen = tracked(scene, motion, blinking(motion, 0.95))
    torch.testing.assert_close(closed(scene, shut, seen).weights, shut.weights)


def test_jitter_of_the_points_is_no_blink(scene, motion):
    seen = tracked(scene, motion, motion.weights)
    torch.manual_seed(0)
    shaken = replace(seen, points=seen.points + 0.1 * torch.randn_like(seen.points))
    torch.testing.assert_close(closed(scene, motion, shaken).weights, motion.weights)


def test_eyes_that_look_away_tell_nothing(scene, motion):
    away = Motion(
        motion.weights, motion.rotation + torch.tensor([0.0, 1.6, 0.0]), motion.translation
    )
    seen = tracked(scene, away, blinking(motion, 1.0))
    assert rotation_from_vector(away.rotation)[FRAME, 2, 2] < 0.2
    torch.testing.assert_close(closed(scene, away, seen).weights, motion.weights)


def test_rigs_without_a_blink_are_left_alone(scene, motion):
    names = ("other", *NAMES[1:])
    seen = tracked(scene, motion, blinking(motion, 1.0))
    torch.testing.assert_close(closed(scene, motion, seen, names).weights, motion.weights)


def test_a_fits_performance_has_the_blink(scene, motion):
    with torch.no_grad():
        seen = tracked(scene, motion, blinking(motion, 1.0))
        assert scene.fit.motion_at(seen).weights[FRAME, BLINK] > 0.8
