"""Footage as it comes: cropped, undistorted, thinned, and projected as before."""

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien.video import VideoWriter
from mien_training.cameras.camera import look_at_camera, project
from mien_training.cameras.lens import Lens, camera_with_lens
from mien_training.footage import video
from mien_training.footage.face_crop import read_crops
from mien_training.footage.video import read_recording
from mien_training.head import rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import paint_materials
from mien_training.rendering.paint.look import Look
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.stages import Stages
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def head():
    template = load_template("anny")
    painted = paint_materials(template, template.vertices, Look(), 256)
    rig, _ = rig_from_template(template, "actor", None, painted)
    return template, rig


@pytest.fixture(scope="module")
def video_file(head, tmp_path_factory):
    """Seven frames in which the head stands left of the middle."""
    template, rig = head
    middle = template.vertices.mean(0)
    camera = look_at_camera(middle + [0.12, 0.02, 1.0], middle + [0.12, 0.0, 0], 0.6, 320, 240)
    path = tmp_path_factory.mktemp("video") / "face.mp4"
    image = HeadRenderer(rig).render(rig.vertices, camera, background=(90, 110, 100))
    with VideoWriter(path, 30) as writer:
        for _ in range(7):
            writer.write(image)
    return path, camera


def test_points_stay_on_the_face_through_crop_and_camera(head, video_file):
    template, _ = head
    path, camera = video_file
    recording = read_recording(path, 96, camera)
    assert recording.images.shape == (7, 96, 96, 3)
    places = template.landmarks.positions(template.vertices, template.triangles)
    expected, _ = project(recording.camera, places)
    gap = np.linalg.norm(recording.points[3] - expected, axis=1)
    assert np.median(gap) < 2.0  # pixels; the tracker's own error
    assert 0.4 < np.ptp(recording.points[3][:, 1]) / 96 < 0.8  # the face fills most of the crop
    np.testing.assert_allclose(np.diff(recording.times_s), 1 / 30, atol=1e-3)


def test_a_grey_picture_is_freed_of_its_lens(head, video_file, tmp_path):
    template, rig = head
    plain = video_file[1]
    camera = camera_with_lens(plain, Lens(-0.3, 0.1, 0.25, 0.3, 0.1))
    image = HeadRenderer(rig).render(rig.vertices, camera, background=(90, 110, 100))
    Image.fromarray(image).convert("L").save(tmp_path / "face.png")
    places = template.landmarks.positions(template.vertices, template.triangles)
    gaps = []
    for given in (camera, plain):
        recording = read_recording(tmp_path / "face.png", 96, given)
        expected, _ = project(recording.camera, places)
        gaps.append(np.median(np.linalg.norm(recording.points[0] - expected, axis=1)))
        assert (np.ptp(recording.images[0], axis=2) == 0).all()
    assert gaps[0] < 2.0 < gaps[1]  # pixels; the tracker's own error, and with the lens left in


def test_a_tracked_file_is_not_tracked_again(video_file, tmp_path, monkeypatch):
    path, camera = video_file
    checkpoint = Checkpoint(tmp_path / "tracking.pt", {"footage": "a"})
    first = read_recording(path, 96, camera, 4, stages=Stages(checkpoint))
    monkeypatch.setattr(video, "Tracker", None)
    again = read_recording(path, 96, camera, 4, stages=Stages(checkpoint))
    assert len(first.times_s) == 4
    np.testing.assert_array_equal(again.points, first.points)
    np.testing.assert_array_equal(again.images, first.images)
    np.testing.assert_array_equal(again.camera.K, first.camera.K)


def test_long_recordings_are_thinned_evenly(video_file):
    recording = read_recording(video_file[0], 48, most_frames=3)
    assert len(recording.times_s) in (2, 3)
    gaps = np.diff(recording.times_s)
    np.testing.assert_allclose(gaps, gaps[0], atol=1e-3)
    kept = recording.source.frames.tolist()
    assert kept in ([0, 4], [0, 2, 4], [0, 2, 4, 6]) and recording.source.name == "face.mp4"
    np.testing.assert_array_equal(recording.source.times_s, recording.times_s)
    images, _ = read_crops(video_file[0], recording.source.crop, kept[1:], 48)
    np.testing.assert_array_equal(images, recording.images[1:])


def test_invalid_footage_is_refused(video_file, tmp_path):
    path, camera = video_file
    with pytest.raises(InputError, match=r"face\.mp4: frames of 320 x 240, but its camera has 640"):
        read_recording(path, 64, camera.resized(640, 480))
    empty = tmp_path / "empty.mp4"
    with VideoWriter(empty, 30) as writer:
        writer.write(np.full((64, 64, 3), 80, np.uint8))
    with pytest.raises(InputError, match=r"empty\.mp4: no face"):
        read_recording(empty, 64)
    with pytest.raises(InputError, match="nothing"):
        read_recording(tmp_path / "nothing.mp4", 64)
