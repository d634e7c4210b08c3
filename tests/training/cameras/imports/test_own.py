"""mien's own file: the same cameras in the file's own unit."""

import numpy as np
import pytest
from support.foreign_cameras import LENSES, random_cameras

from mien_training.cameras.calibration import calibration_json
from mien_training.cameras.imports.own import read_own


@pytest.mark.parametrize("unit_m", [None, 0.01, 3.0])
def test_lengths_stay_as_the_file_has_them(tmp_path, unit_m):
    cameras = random_cameras(LENSES["rational"])
    path = tmp_path / "cal.json"
    path.write_bytes(calibration_json(cameras, unit_m, {"left.png": "m.png"}))
    found, unit = read_own(path)
    assert unit == unit_m
    assert [one.mask for one in found] == [str(tmp_path / "m.png"), None, None, None]
    for one, camera in zip(found, cameras.values(), strict=True):
        pose = one.camera.camera_from_world
        np.testing.assert_allclose(pose, camera.camera_from_world, rtol=1e-14)
        assert one.camera.lens == camera.lens
