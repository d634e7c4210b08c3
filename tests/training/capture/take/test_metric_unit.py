"""A calibration without a unit takes it from the face, or says that there is none."""

import json

import numpy as np
import pytest
from support.captured_takes import NAMES, ring_of_cameras, write_take

from mien.errors import InputError
from mien_training.cameras import project
from mien_training.cameras.calibration import calibration_json, scaled
from mien_training.capture.take import open_take, parse_frames
from mien_training.capture.take.metric_unit import face_points, take_in_metres


@pytest.fixture
def take(tmp_path):
    """Calibrated in units of 20 cm."""
    pictures, calibration = write_take(tmp_path, 8)
    cameras = {n: scaled(c, 5.0) for n, c in zip(NAMES, ring_of_cameras(), strict=True)}
    data = json.loads(calibration_json(cameras, 1.0))
    calibration.write_text(json.dumps(data | {"unit_m": None}))
    return open_take([pictures], calibration, parse_frames(":"))


def test_the_face_gives_the_unit(take, anny):
    places = anny.landmarks.positions(anny.vertices, anny.triangles) - (0, 0.1, 0)
    looked = []

    def find(image, camera):
        looked.append(int(image[0, 0, 0]))
        pixels = project(camera, 5 * places)[0]
        return pixels if image[0, 0, 0] > 0 else np.full_like(pixels, np.nan)

    found = take_in_metres(take, anny, find)
    assert found.unit_m == pytest.approx(0.2, rel=1e-4)
    assert max(looked) == 5  # five moments with a face are enough
    for camera, true in zip(found.cameras, ring_of_cameras(), strict=True):
        np.testing.assert_allclose(camera.centre, true.centre, rtol=1e-4)
    assert take_in_metres(found, anny, find) is found


def test_no_face_in_pictures_without_one(take, anny):
    with pytest.raises(InputError, match=r"cameras\.json: field 'unit_m' is not known.* 8 moments"):
        take_in_metres(take, anny, face_points)
