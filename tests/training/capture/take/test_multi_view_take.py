"""A take from sources and calibration: lazily read, in one order, bound to its content."""

import json
import weakref
from itertools import islice

import numpy as np
import pytest
from PIL import Image
from support.captured_takes import NAMES, SIDE, ring_of_cameras, write_take

from mien.errors import InputError
from mien.video import VideoWriter
from mien_training.cameras.calibration import calibration_json
from mien_training.capture.take import camera_source, open_take, parse_frames

ALL = parse_frames(":")


@pytest.fixture
def written(tmp_path):
    return write_take(tmp_path, 5, first=3)


def codes(take, numbers=None):
    return [int(moment.images[0][0, 0, 0]) for moment in take.moments(numbers)]


def test_a_folder_of_folders(written):
    pictures, calibration = written
    take = open_take([pictures], calibration, ALL, fps=10)
    assert take.names == NAMES and len(take) == 5 and take.unit_m == 1.0
    np.testing.assert_allclose(take.times_s, np.arange(5) / 10)
    assert take.frames.tolist() == codes(take) == [3, 4, 5, 6, 7]
    assert codes(take, [3, 1]) == [4, 6]
    assert [m.number for m in take.moments([3, 1])] == [1, 3]
    each = open_take([pictures / n for n in NAMES[::-1]], calibration, parse_frames("4:6:2"))
    assert each.names == NAMES[::-1] and codes(each) == [4, 6]
    np.testing.assert_allclose(each.times_s, [0, 2 / 30])


def test_films(tmp_path):
    cameras = dict(zip(("a.mp4", "b.mp4"), ring_of_cameras(2), strict=True))
    (tmp_path / "cal.json").write_bytes(calibration_json(cameras, 1.0))
    for name in cameras:
        with VideoWriter(tmp_path / name, 25) as film:
            for n in range(6):
                film.write(np.full((SIDE, SIDE, 3), 40 * n, np.uint8))
    films = [tmp_path / name for name in cameras]
    take = open_take(films, tmp_path / "cal.json", parse_frames("1::2"))
    np.testing.assert_allclose(take.times_s, [0, 0.08, 0.16], atol=1e-6)
    assert [round(code / 40) for code in codes(take)] == [1, 3, 5]
    with pytest.raises(InputError, match=r"--fps 30: a\.mp4 is a film"):
        open_take(films, tmp_path / "cal.json", ALL, fps=30)


def test_one_picture_of_each_camera_at_a_time(tmp_path, monkeypatch):
    """Sixteen views: whatever a take's length, pictures that are gone are let go."""
    names = [f"cam{n:02d}" for n in range(16)]
    pictures, calibration = write_take(tmp_path, 3, names)
    alive, most = 0, 0
    read = camera_source.read_picture

    def gone():
        nonlocal alive
        alive -= 1

    def counted(path):
        nonlocal alive, most
        image = read(path)
        weakref.finalize(image, gone)
        alive += 1
        most = max(most, alive)
        return image

    monkeypatch.setattr(camera_source, "read_picture", counted)
    take = open_take([pictures], calibration, ALL)
    assert most == 0
    moments = take.moments()
    for _ in range(3):
        moment = next(moments)
        assert len(moment.images) == 16
        del moment
    assert most == 16 and alive == 0
    assert len(list(islice(take.moments(), 1))) == 1


def test_the_unit(written, tmp_path):
    pictures, calibration = written
    data = json.loads(calibration.read_text())
    data["unit_m"] = None
    calibration.write_text(json.dumps(data))
    take = open_take([pictures], calibration, ALL)
    assert take.unit_m is None
    small = take.in_metres(0.01)
    assert small.unit_m == 0.01
    for before, after in zip(take.cameras, small.cameras, strict=True):
        np.testing.assert_allclose(after.centre, 0.01 * before.centre)


def test_digests_are_of_cameras_and_of_each_ones_pictures(written):
    pictures, calibration = written
    before = open_take([pictures], calibration, ALL).digests()
    assert set(before) == {"cameras", *(f"pictures of {name}" for name in NAMES)}
    Image.new("RGB", (SIDE, SIDE)).save(pictures / "right" / "shot2_0005.png")
    after = open_take([pictures], calibration, ALL).digests()
    assert [name for name in before if before[name] != after[name]] == ["pictures of right"]


def test_a_rate_that_none_has(written):
    with pytest.raises(InputError, match="--fps 0"):
        open_take([written[0]], written[1], ALL, fps=0)
