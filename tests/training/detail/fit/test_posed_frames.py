"""Frames of a known head: those that differ most, none of a face too small or of somebody else."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.cameras import look_at_camera, project
from mien_training.detail.fit.posed_frames import pose_frames
from mien_training.footage.observations import CameraRecording

SHAPES = (
    "jawOpen", "mouthClose", "mouthSmileLeft", "mouthSmileRight", "browInnerUp", "eyeBlinkLeft",
    "eyeBlinkRight", "cheekPuff",
)  # fmt: skip
ROWS = ((), ("jawOpen",), (), ("mouthSmileLeft", "mouthSmileRight"), (), ())
YAWS = (0.0, 0.0, 0.01, 0.0, 0.5, 0.0)


@pytest.fixture(scope="module")
def head(anny):
    """With a few of its shapes: posing takes its time with every one."""
    kept = [anny.shape_names.index(name) for name in SHAPES]
    return replace(anny, shape_names=SHAPES, shape_deltas=anny.shape_deltas[kept])


def recorded(head, size=256, change=lambda points: points, seed=0):
    """Six frames, the last without a face; and (6, V, 3) true places in the world."""
    rng = np.random.default_rng(seed)
    camera = look_at_camera((0.05, 0.12, 0.9), (0, 0.08, 0.05), 0.35, size, size)
    points, places = np.full((len(ROWS), 478, 2), np.nan, np.float32), []
    for e, (names, yaw) in enumerate(zip(ROWS, YAWS, strict=True)):
        weights = np.zeros(len(head.shape_names))
        weights[[head.shape_names.index(name) for name in names]] = 0.7
        local = head.vertices + np.tensordot(weights, head.shape_deltas, 1)
        world = local @ Rotation.from_euler("y", yaw).as_matrix().T
        places.append(world)
        at = head.landmarks.positions(world.astype(np.float32), head.triangles)
        points[e] = change(project(camera, at)[0]) + rng.normal(0, 0.003 * size, (478, 2))
    points = np.where(np.isnan(points), points[np.isfinite(points)].mean(), points)
    points[-1] = np.nan
    images = np.full((len(ROWS), size, size, 3), np.arange(len(ROWS))[:, None, None, None] * 20)
    recording = CameraRecording(
        images.astype(np.uint8), np.arange(len(ROWS)) / 10, camera, points=points
    )
    return recording, np.stack(places)


@pytest.fixture(scope="module")
def recording(head):
    return recorded(head)


@pytest.fixture(scope="module")
def all_frames(head, recording):
    return pose_frames(head, [recording[0]], ["clip.mp4"], 20)


def frame_numbers(found):
    return (found.images[:, 0, 0, 0] // 20).tolist()


def test_heads_lie_where_they_were(head, recording, all_frames):
    order = frame_numbers(all_frames)
    assert sorted(order) == [0, 1, 2, 3, 4]
    apart = all_frames.vertices.numpy() - recording[1][order]
    skin = head.landmarks.triangle[:468]
    corners = head.triangles[skin[skin >= 0]]
    across = np.abs(apart[..., :2])[:, corners]
    assert np.quantile(across, 0.95) < 0.005
    assert 0.002 < all_frames.misfit < 0.008 and len(all_frames.camera) == 5
    assert all_frames.weights.shape == (5, len(head.shape_names))


def test_few_are_those_that_differ_most(head, recording):
    found = pose_frames(head, [recording[0]], ["clip.mp4"], 4)
    order = frame_numbers(found)
    assert order[0] in (0, 2, 4) and set(order) >= {1, 3, 4} and len(order) == 4


def test_two_recordings_go_together(head, recording):
    other, _ = recorded(head, seed=1)
    found = pose_frames(head, [recording[0], other], ["a.mp4", "b.mp4"], 20)
    assert sorted(found.camera.tolist()) == [0] * 5 + [1] * 5


def test_no_frame_counts_twice(head, recording):
    """Not even where another is exactly like it."""
    found = pose_frames(head, [recording[0]] * 2, ["a.mp4", "b.mp4"], 20)
    chosen = list(zip(found.camera.tolist(), frame_numbers(found), strict=True))
    assert len(set(chosen)) == len(chosen)


@pytest.fixture(scope="module")
def small(head):
    return recorded(head, 96)[0]


@pytest.fixture(scope="module")
def somebody_else(head):
    return recorded(head, 256, lambda points: points * [1.5, 1.0])[0]


def test_faces_too_small_are_refused_by_name(head, small):
    with pytest.raises(InputError, match=r"far\.mp4: the face is \d+ pixels high, expected at "):
        pose_frames(head, [small], ["far.mp4"], 20)


def test_faces_of_somebody_else_are_refused_by_name(head, somebody_else):
    with pytest.raises(InputError, match=r"she\.mp4: the rig's face does not fit .*another person"):
        pose_frames(head, [somebody_else], ["she.mp4"], 20)


def test_files_of_no_use_are_left_out_where_others_are_left(
    head, recording, all_frames, small, somebody_else
):
    told = []
    names = ["far.mp4", "near.mp4", "she.mp4"]
    found = pose_frames(head, [small, recording[0], somebody_else], names, 20, warn=told.append)
    assert set(found.camera.tolist()) == {1} and found.misfit == all_frames.misfit
    assert [line.partition(":")[0] for line in told] == ["far.mp4", "she.mp4"]
    with pytest.raises(InputError, match=r"far\.mp4: .*; she\.mp4: "):
        pose_frames(head, [small, somebody_else], ["far.mp4", "she.mp4"], 20)
