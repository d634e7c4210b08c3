"""Contact sheets and videos: the right panels, the right moments, the right times."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien.session import Frame
from mien.take import Take
from mien.video import read_frames
from mien_training.rendering.preview import (
    PreviewFrame,
    contact_sheet,
    portrait_png,
    preview_frames,
    preview_video,
    telling_frames,
    write_contact_sheet,
    write_preview_video,
)


def frame(time_s, jaw=0.0, **rest):
    return PreviewFrame(time_s, np.array([jaw, 0.0], np.float32), **rest)


def face_points(shift=0.0):
    angle = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    return np.stack([80 + shift + 30 * np.cos(angle), 60 + 40 * np.sin(angle)], -1).astype("f4")


def test_sheet_without_driver_has_one_panel_a_frame(plain_rig):
    sheet = contact_sheet(plain_rig, [frame(0.1 * i) for i in range(5)], columns=3, side=64)
    assert sheet.shape == (128, 192, 3)


def test_sheet_with_driver_has_two(plain_rig):
    frames = [frame(0.0, landmarks=face_points()), frame(0.1)]  # the second lost the face
    sheet = contact_sheet(plain_rig, frames, columns=2, side=64)
    assert sheet.shape == (64, 256, 3)
    drawn = np.abs(sheet[:, :64].astype(int) - (24, 26, 31)).max(-1) > 30
    assert 0.02 < drawn.mean() < 0.5
    assert np.array_equal(sheet[20:, 64:128], sheet[20:, 192:])  # same pose, same head


def test_driver_motion_stays_visible(plain_rig):
    frames = [frame(0.0, landmarks=face_points()), frame(0.1, landmarks=face_points(60.0))]
    sheet = contact_sheet(plain_rig, frames, columns=1, side=80)
    centres = []
    for top in (0, 80):
        panel = np.abs(sheet[top + 15 : top + 80, :80].astype(int) - (24, 26, 31)).max(-1) > 60
        centres.append(np.nonzero(panel)[1].mean())
    assert centres[1] - centres[0] > 15


def test_driver_picture_is_shown_when_given(plain_rig):
    picture = np.full((40, 80, 3), (10, 200, 30), np.uint8)
    sheet = contact_sheet(plain_rig, [frame(0.0, image=picture)], side=64)
    assert (sheet[32, 5:60] == (10, 200, 30)).all()
    assert (sheet[60, :60] == (24, 26, 31)).all()  # letterbox


def test_head_follows_weights_and_rotation(plain_rig):
    turn = np.array([0, np.sin(0.3), 0, np.cos(0.3)], np.float32)
    frames = [frame(0.0), frame(0.0, 1.0), frame(0.0, head_rotation_xyzw=turn)]
    sheet = contact_sheet(plain_rig, frames, columns=3, side=96)
    still, jaw, turned = sheet[:, :96], sheet[:, 96:192], sheet[:, 192:]
    assert np.abs(still[60:].astype(int) - jaw[60:]).max() > 20
    # Positive yaw turns the face to the right of the image: the eyes' white moves there.
    white = [(p[20:].min(-1) > 130) for p in (still, turned)]
    assert np.nonzero(white[1])[1].mean() > np.nonzero(white[0])[1].mean() + 3


def test_telling_frames_are_the_extremes_in_time_order():
    frames = [frame(i / 30, jaw=float(i == 7)) for i in range(20)]
    frames[12] = frame(12 / 30, jaw=0.5)
    chosen = telling_frames(frames, 3)
    assert [round(f.time_s * 30) for f in chosen] == [0, 7, 12]
    assert len(telling_frames(frames[:2], 10)) == 2


def test_video_keeps_the_frames_times(plain_rig, tmp_path):
    times = (2.0, 2.04, 2.14)
    frames = [frame(t, landmarks=face_points()) for t in times]
    preview_video(tmp_path / "p.mp4", plain_rig, frames, rate_hz=25, side=64)
    shown = list(read_frames(tmp_path / "p.mp4"))
    assert [f.image.shape for f in shown] == [(64, 128, 3)] * 3
    assert np.allclose([f.time_s for f in shown], (0, 0.04, 0.14), atol=1e-3)


def test_portrait_is_a_png_with_a_head(plain_rig):
    image = np.asarray(Image.open(io.BytesIO(portrait_png(plain_rig, 96))))
    assert image.shape == (96, 96, 3)
    assert image[48, 48].mean() > image[4, 4].mean() + 30


def test_nothing_to_show_is_refused(plain_rig, tmp_path):
    with pytest.raises(InputError, match="frames"):
        contact_sheet(plain_rig, [])
    with pytest.raises(InputError, match="frames"):
        preview_video(tmp_path / "p.mp4", plain_rig, [])
    with pytest.raises(InputError, match="frames"):
        telling_frames([], 3)
    assert list(tmp_path.iterdir()) == []


def take_of(rig, landmarks):
    identity = np.array([0, 0, 0, 1], np.float32)
    frames = tuple(
        Frame(
            time_s=0.1 * i,
            channel_names=("tongueOut", "jawOpen"),  # another order, and one shape the rig lacks
            channels=np.array([0.7, 0.25 * i], np.float32),
            head_rotation_xyzw=identity,
            head_translation_m=np.zeros(3, np.float32),
            left_eye_xyzw=identity,
            right_eye_xyzw=identity,
            detail=np.zeros(0, np.float32),
            confidence=1.0,
        )
        for i in range(3)
    )
    return Take(
        SimpleNamespace(rig=rig, detail_names=()), frames, landmarks, (160, 120), "somebody"
    )


def test_a_take_is_bound_by_channel_name(plain_rig):
    frames = preview_frames(take_of(plain_rig, (face_points(), None, face_points())))
    assert np.allclose([f.weights for f in frames], [(0, 0), (0.25, 0), (0.5, 0)])
    assert [f.landmarks is None for f in frames] == [False, True, False]
    assert all(f.image is None for f in frames)


def test_takes_are_written_whole(plain_rig, tmp_path):
    take = take_of(plain_rig, (None, None, None))  # a clip drove: no driver's panel
    write_contact_sheet(tmp_path / "sheet.png", take)
    write_preview_video(tmp_path / "preview.mp4", take)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["preview.mp4", "sheet.png"]
    assert Image.open(tmp_path / "sheet.png").size == (3 * 240, 240)
    assert [f.image.shape for f in read_frames(tmp_path / "preview.mp4")] == [(480, 480, 3)] * 3
