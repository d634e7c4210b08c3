"""The animated preview: the liveliest stretch, at a steady rate, small."""

import io

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien_training.rendering.preview import PreviewFrame
from mien_training.rendering.preview_gif import RATE_HZ, liveliest, preview_gif


def frames_of(values, rate_hz=30.0):
    rows = np.asarray(values, np.float32)
    return [PreviewFrame(i / rate_hz, np.array([v, 0.0], np.float32)) for i, v in enumerate(rows)]


def test_the_liveliest_stretch_is_where_the_face_moves():
    values = np.zeros(300)
    values[180:240] = 0.5 - 0.5 * np.cos(np.arange(60) / 60 * 6 * np.pi)
    stretch = liveliest(frames_of(values), 3.0)
    assert stretch[0].time_s <= 6.0 + 0.1 and stretch[-1].time_s >= 8.0 - 0.2
    assert stretch[-1].time_s - stretch[0].time_s <= 3.0 + 1e-9


def test_short_takes_are_shown_whole():
    assert len(liveliest(frames_of([0, 1, 0]), 5.0)) == 3
    with pytest.raises(InputError, match="no frames"):
        liveliest([], 5.0)


def test_it_plays_at_its_rate_and_repeats(plain_rig):
    image = Image.open(io.BytesIO(preview_gif(plain_rig, frames_of(np.linspace(0, 1, 31)), 48)))
    assert image.n_frames == round(RATE_HZ) or image.n_frames == round(RATE_HZ) + 1
    assert image.info["loop"] == 0 and image.info["duration"] == 1000 / RATE_HZ
    assert image.size == (48, 48)


def test_motion_is_seen(plain_rig):
    image = Image.open(io.BytesIO(preview_gif(plain_rig, frames_of(np.linspace(0, 1, 31)), 48)))
    image.seek(0)
    first = np.asarray(image.convert("RGB")).astype(int)
    image.seek(image.n_frames - 1)
    assert np.abs(np.asarray(image.convert("RGB")).astype(int) - first).max() > 30
    with pytest.raises(InputError, match="no frames"):
        preview_gif(plain_rig, [], 48)
