"""Cameras recorded the same moments, or are told not to have."""

from pathlib import Path

import numpy as np
import pytest
from support.captured_takes import ring_of_cameras

from mien.errors import InputError
from mien_training.capture.take.camera_source import CameraSource
from mien_training.capture.take.frame_range import FrameRange
from mien_training.capture.take.synchrony import film_clock, wanted_frames


def film(name, times):
    times = np.asarray(times, float)
    return CameraSource(Path(name), ring_of_cameras()[0], np.arange(len(times)), times)


def pictures(name, numbers):
    paths = tuple(Path(name) / f"{n}.png" for n in numbers)
    return CameraSource(Path(name), ring_of_cameras()[0], np.array(numbers), None, paths)


def test_as_many_frames_of_each_or_a_range_that_all_have():
    films = [film("a", np.arange(9) / 30), film("b", np.arange(7) / 30)]
    with pytest.raises(InputError, match="b: 7 frames, a has 9"):
        wanted_frames(films, FrameRange())
    with pytest.raises(InputError, match="b: 7 frames"):
        wanted_frames(films, FrameRange(last=7))
    cut = wanted_frames(films, FrameRange(1, 5, 2))
    assert [source.frames.tolist() for source in cut] == [[1, 3, 5]] * 2


def test_one_number_for_one_moment():
    with pytest.raises(InputError, match=r"b: 1\.png stands where a has 0\.png"):
        wanted_frames([pictures("a", [0, 1, 2]), pictures("b", [1, 2, 3])], FrameRange())
    one, other = pictures("a", range(10)), pictures("b", range(4, 9))
    cut = wanted_frames([one, other], FrameRange(5, 7))
    assert cut[1].pictures == tuple(Path("b") / f"{n}.png" for n in (5, 6, 7))
    assert wanted_frames([pictures("a", [0]), pictures("b", [7])], FrameRange())


def test_nothing_wanted():
    with pytest.raises(InputError, match="--frames: none of the frames 3 to 5"):
        wanted_frames([pictures("a", [3, 4, 5])] * 2, FrameRange(8, 9))


def test_clocks_within_half_a_frame():
    even = np.arange(10) / 50
    late = even.copy()
    late[6:] += 0.009
    np.testing.assert_allclose(film_clock([film("a", even), film("b", late)]), even)
    late[6:] += 0.002
    with pytest.raises(
        InputError, match=r"b: frame 6 is at 0\.131 s, that of a at 0\.120 s.*10\.0"
    ):
        film_clock([film("a", even), film("b", late)])
    twice = [film("a", even[::2]), film("b", even[::2])]
    np.testing.assert_allclose(film_clock([one.at([1, 3]) for one in twice]), [0, 0.08])


def test_one_moment_alone_is_in_step():
    assert film_clock([film("a", [0.0]), film("b", [0.0])]).tolist() == [0.0]
