"""What is cut out of a clip is what was in it."""

import numpy as np
import pytest
from benchmarks.clip_cut import cut_clip

from mien.video import VideoWriter, read_frames

UNEVEN_S = (0.0, 0.04, 0.1, 0.15, 0.3, 0.31, 0.5, 0.7)


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "uneven.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (len(UNEVEN_S), 48, 64, 3), np.uint8)
    with VideoWriter(path, 30) as video:
        for image, time_s in zip(noise, UNEVEN_S, strict=True):
            video.write(image, time_s)
    return path


def test_pixels_and_times_are_the_clips_own(clip, tmp_path):
    inside = [f for f in read_frames(clip) if 0.1 <= f.time_s < 0.5]
    cut = list(read_frames(cut_clip(clip, 0.1, 0.5, tmp_path / "cut.mp4")))
    assert len(cut) == len(inside) == 4
    for new, old in zip(cut, inside, strict=True):
        np.testing.assert_array_equal(new.image, old.image)
        assert new.time_s == pytest.approx(old.time_s - inside[0].time_s, abs=1e-6)


def test_nothing_to_cut(clip, tmp_path):
    with pytest.raises(ValueError, match="no frame from 3 to 4 s"):
        cut_clip(clip, 3, 4, tmp_path / "cut.mp4")
    assert [p.name for p in tmp_path.iterdir()] == [clip.name]
