import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

from mien.channels import ARKIT_CHANNELS, HEAD_CHANNELS
from mien.clip import Clip
from mien.errors import InputError
from mien.frame import Frame, frames_from_clip
from mien.frame_table import FrameTable


def make_frames(count=5, names=ARKIT_CHANNELS):
    rng = np.random.default_rng(0)
    values = rng.random((count, len(names) + 9), np.float32) * 0.5
    clip = Clip((*names, *HEAD_CHANNELS), np.arange(count) / 30, values)
    return clip, frames_from_clip(clip, names)


def test_frames_come_out_as_they_went_in():
    _, frames = make_frames()
    kept = list(frames)
    table = FrameTable(kept)
    assert len(table) == 5 and table.channel_names == ARKIT_CHANNELS
    for frame, back in zip(kept, table, strict=True):
        for field in fields(Frame):
            expected = getattr(frame, field.name)
            np.testing.assert_array_equal(getattr(back, field.name), expected)
    assert table[-1].time_s == kept[-1].time_s and len(table[1:3]) == 2
    with pytest.raises(IndexError):
        table[5]


def test_the_clip_is_what_drove_the_frames():
    clip, frames = make_frames()
    back = FrameTable(frames).clip
    assert back.names == clip.names
    np.testing.assert_array_equal(back.times_s, clip.times_s)
    np.testing.assert_allclose(back.values, clip.values, atol=1e-6)


def test_a_frame_costs_about_its_numbers():
    _, frames = make_frames(5000)
    table = FrameTable()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for frame in frames:
        table.append(frame)
    del frame
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert size < 5000 * 400  # a Frame object and its arrays: 1,600


def test_other_channels_and_no_frames_are_refused():
    table = FrameTable(make_frames()[1])
    with pytest.raises(InputError, match="different characters"):
        table.append(next(make_frames(names=ARKIT_CHANNELS[:3])[1]))
    with pytest.raises(InputError, match="no frames"):
        _ = FrameTable().clip
