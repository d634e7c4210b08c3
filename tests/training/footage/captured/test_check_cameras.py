"""`mien cameras check`: what it says of a run, and the calibration that it writes."""

from dataclasses import replace

import numpy as np
import pytest
import tyro
from support.captured import camera_residuals
from support.sightings import MIDDLE, off_by, rig

from mien.errors import InputError
from mien_training.cameras.calibration import read_calibration
from mien_training.cameras.check.camera_check import CheckConfig
from mien_training.cameras.check.rig_gauge import image_offsets
from mien_training.footage.captured import check_cameras, write_residuals
from mien_training.footage.captured.check_cameras import CheckCamerasConfig, check_run, run


@pytest.fixture
def make_run(tmp_path):
    """Call with moments and by how many metres camera 1 is off; returns the run's folder."""

    def make(moments=24, off_m=0.006, lens=False):
        residuals = camera_residuals(moments, lens=lens, noise_m=0.002)
        cameras = list(residuals.cameras)
        cameras[1] = off_by(cameras[1], off_m)
        write_residuals(tmp_path / "residuals.npz", replace(residuals, cameras=tuple(cameras)))
        return tmp_path

    return make


def test_the_wrong_camera_is_named_and_the_refined_rig_is_right(make_run, capsys):
    folder = make_run()
    assert run(tyro.cli(CheckCamerasConfig, args=[str(folder), "--refine"])) == 0
    told = capsys.readouterr().out
    assert "b.mp4 is off" in told and told.count(" - OFF") == 1 and "24 moments" in told
    assert "turned by" in told
    found = read_calibration(folder / "cameras_refined.json")
    assert list(found.cameras) == ["a.mp4", "b.mp4", "c.mp4", "d.mp4"] and found.unit_m == 1.0
    cloud = MIDDLE + np.random.default_rng(0).normal(0, 0.05, (30, 3))
    off_px, _ = image_offsets(rig(4), list(found.cameras.values()), cloud)
    assert off_px.max() < 0.6  # of 3
    for camera, true in zip(found.cameras.values(), rig(4), strict=True):
        assert (camera.k1, camera.width) == (true.k1, true.width)


def test_lenses_stay_in_the_calibration(make_run, tmp_path):
    folder = make_run(lens=True)
    told = check_run(CheckCamerasConfig(folder, refine=True, out=tmp_path / "new.json"))
    assert "b.mp4 is off" in told[5]
    lens = read_calibration(tmp_path / "new.json").cameras["a.mp4"]
    assert lens.lens.p1 == 0.01


def test_a_right_rig_is_left_alone(make_run):
    folder = make_run(off_m=0.0)
    told = check_run(CheckCamerasConfig(folder, refine=True))
    assert "no camera is off" in told[-2] and "nothing to correct" in told[-1]
    assert not (folder / "cameras_refined.json").exists()


def test_a_rig_that_is_off_on_the_whole_is_corrected(make_run, monkeypatch):
    folder = make_run(off_m=0.0)
    everybody = CheckConfig(least_off_m=1e-7, ratio=1e6)
    monkeypatch.setattr(check_cameras, "CheckConfig", lambda adjust: everybody)
    told = check_run(CheckCamerasConfig(folder, refine=True))
    assert "no camera stands out" in told[5] and told[6].endswith("what changed:")


def test_too_few_moments_say_so_and_correct_nothing(make_run):
    folder = make_run(moments=8)
    assert "8 moments are too few" in check_run(CheckCamerasConfig(folder))[-1]
    with pytest.raises(InputError, match=r"8 moments .* expected 20"):
        check_run(CheckCamerasConfig(folder, refine=True))
    assert not (folder / "cameras_refined.json").exists()


def test_nonsense_is_refused(tmp_path, make_run):
    with pytest.raises(InputError, match=r"residuals.npz of `mien capture`"):
        check_run(CheckCamerasConfig(tmp_path / "gone"))
    with pytest.raises(InputError, match="--refine"):
        CheckCamerasConfig(tmp_path, out=tmp_path / "new.json")
    folder = make_run(moments=2)
    with pytest.raises(InputError, match="at least two cameras"):
        check_run(CheckCamerasConfig(folder))
