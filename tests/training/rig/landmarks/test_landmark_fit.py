"""The first stage finds people, faces and poses that the template can make."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.cameras.camera import look_at_camera, project
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.rig.landmarks.landmark_fit import (
    LandmarkFitConfig,
    ObservedLandmarks,
    ShapeSelection,
    continuous,
    fit_landmarks,
    scaled_orthography,
)
from mien_training.templates import load_template

CAMERAS = [
    look_at_camera((x, 0.15, z), (0, 0.15, 0), 0.5, 640, 480)
    for x, z in ((0.0, 0.9), (0.5, 0.75), (-0.5, 0.75))
]


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module")
def scene(template):
    """Three moments of a person of the template, by three cameras; truth beside it."""
    rng = np.random.default_rng(1)
    vertices = template.vertices + template.identity.sample(4)
    weights = np.zeros((3, len(template.shape_names)), np.float32)
    for t, names in enumerate(((), ("jawOpen",), ("mouthSmileLeft", "mouthSmileRight"))):
        for name in names:
            weights[t, template.shape_names.index(name)] = 0.7
    turns, moves = rng.normal(0, 0.15, (3, 3)), rng.normal(0, 0.01, (3, 3))
    pixels, camera, moment = [], [], []
    for t in range(3):
        face = vertices + np.tensordot(weights[t], template.shape_deltas, axes=1)
        face = Rotation.from_rotvec(turns[t]).apply(face) + moves[t]
        points = template.landmarks.positions(face.astype(np.float32), template.triangles)
        for c, view in enumerate(CAMERAS):
            pixels.append(project(view, points)[0])
            camera.append(c)
            moment.append(t)
    pixels = torch.tensor(np.array(pixels), dtype=torch.float32)
    confidence = torch.isfinite(pixels).all(-1).float()
    seen = ObservedLandmarks(torch.tensor(camera), torch.tensor(moment), pixels, confidence)
    return seen, vertices, weights, turns, moves


def test_orthography_is_exact_for_distant_points():
    rng = np.random.default_rng(0)
    points = rng.normal(0, 0.1, (60, 3))
    rotation = Rotation.from_rotvec([0.3, -2.0, 0.4]).as_matrix()
    translation = np.array([0.3, -0.2, 400.0])
    seen = points @ rotation.T + translation
    turn, move = scaled_orthography(points, seen[:, :2] / seen[:, 2:])
    np.testing.assert_allclose(turn, rotation, atol=2e-3)
    np.testing.assert_allclose(move, translation, rtol=2e-3)
    with pytest.raises(InputError, match="one plane"):
        scaled_orthography(points * [1, 1, 0], seen[:, :2])


def test_it_finds_person_face_and_pose(template, scene):
    seen, vertices, _, turns, moves = scene
    fit = fit_landmarks(template, CameraBatch.of(CAMERAS), seen, LandmarkFitConfig(steps=250))
    assert fit.error_px.max() < 1.0
    angles = Rotation.from_rotvec(fit.motion.rotation.numpy()).inv() * Rotation.from_rotvec(turns)
    assert np.degrees(angles.magnitude()).max() < 2.0
    jaw = template.shape_names.index("jawOpen")
    assert fit.motion.weights[1, jaw] > 0.5 and fit.motion.weights[0, jaw] < 0.15
    # In the world, where pose and size count, the fitted neutral is nearer than the mean head.
    face = template.regions["skin"] & (template.vertices[:, 2] > 0.05)
    person = torch.tensordot(fit.identity, torch.from_numpy(template.identity.modes), dims=1)
    turn = Rotation.from_rotvec(fit.motion.rotation[0].numpy())

    def gap(neutral: np.ndarray) -> float:
        placed = turn.apply(neutral) + fit.motion.translation[0].numpy()
        true = Rotation.from_rotvec(turns[0]).apply(vertices) + moves[0]
        return float(np.linalg.norm(placed - true, axis=1)[face].mean())

    assert gap(template.vertices + person.numpy()) < 0.6 * gap(template.vertices)


def test_shapes_that_are_not_free_keep_their_weights(template, scene):
    seen, *_ = scene
    free = torch.zeros(len(template.shape_names), dtype=torch.bool)
    free[template.shape_names.index("jawOpen")] = True
    known = torch.zeros(len(free))
    known[template.shape_names.index("eyeBlinkLeft")] = 0.25
    config = LandmarkFitConfig(steps=60)
    fit = fit_landmarks(
        template, CameraBatch.of(CAMERAS), seen, config, shapes=ShapeSelection(free, known)
    )
    assert torch.equal(fit.motion.weights[:, ~free], known[~free].expand(3, -1))
    assert fit.motion.weights[1, free].item() > 0.3


def test_all_shapes_free_is_the_same_as_saying_nothing(template, scene):
    seen, config = scene[0], LandmarkFitConfig(steps=12)
    every = ShapeSelection.all(len(template.shape_names))
    mine = fit_landmarks(template, CameraBatch.of(CAMERAS), seen, config, shapes=every)
    usual = fit_landmarks(template, CameraBatch.of(CAMERAS), seen, config)
    assert torch.equal(mine.motion.weights, usual.motion.weights)
    assert torch.equal(mine.identity, usual.identity)


def test_nothing_to_fit_is_refused(template, scene):
    seen = scene[0]
    with pytest.raises(InputError, match="fewer than"):
        ObservedLandmarks(seen.camera, seen.moment, seen.pixels, seen.confidence * 0)
    with pytest.raises(InputError, match="expected"):
        ObservedLandmarks(seen.camera, seen.moment, seen.pixels[:, :5], seen.confidence)
    later = ObservedLandmarks(seen.camera, seen.moment + 1, seen.pixels, seen.confidence)
    with pytest.raises(InputError, match="no image of moment 0"):
        fit_landmarks(template, CameraBatch.of(CAMERAS), later, LandmarkFitConfig(steps=2))


def test_a_head_that_looks_at_its_camera_never_turns_all_the_way_round():
    """Half a turn from the camera's axes a rotation has two vectors: the one nearby counts."""
    angle = np.pi + 0.2 * np.sin(np.linspace(0, 6, 40))
    tilt = 0.05 * np.cos(np.linspace(0, 9, 40))
    true = Rotation.from_rotvec(np.stack([angle, tilt, 0.3 * tilt], 1))
    jumping = true.as_rotvec()
    assert np.linalg.norm(np.diff(jumping, axis=0), axis=1).max() > 5
    smooth = continuous(jumping)
    assert np.linalg.norm(np.diff(smooth, axis=0), axis=1).max() < 0.3
    again = Rotation.from_rotvec(smooth)
    assert (again * true.inv()).magnitude().max() < 1e-9
    np.testing.assert_array_equal(continuous(np.zeros((3, 3))), np.zeros((3, 3)))


def test_poses_of_a_lone_camera_are_continuous_in_time(template):
    """Its axes are the world's: every frontal face is half a turn away from them."""
    camera = CameraBatch.of([CAMERAS[0]])
    flat = np.diag([1.0, -1.0, -1.0])
    pixels, count = [], 12
    K = camera.intrinsics[0].double().numpy()
    for t in range(count):
        turn = flat @ Rotation.from_euler("xyz", [0.25 - 0.05 * t, 0.02, 0.1]).as_matrix()
        points = template.landmarks.positions(template.vertices, template.triangles)
        placed = (points - points[1]) @ turn.T + [0, 0, 0.8]
        flown = placed @ K.T
        pixels.append(flown[:, :2] / flown[:, 2:])
    still = replace(camera, camera_from_world=torch.eye(4)[None])
    seen = ObservedLandmarks(
        torch.zeros(count, dtype=torch.int64), torch.arange(count),
        torch.tensor(np.stack(pixels)).float(), torch.ones(count, 478),
    )  # fmt: skip
    found = fit_landmarks(template, still, seen, LandmarkFitConfig(steps=30))
    assert found.motion.rotation.diff(dim=0).norm(dim=1).max() < 0.2
    assert found.error_px.max() < 3
