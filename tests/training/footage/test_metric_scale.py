"""The face gives a world its scale."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras.calibration import scaled
from mien_training.cameras.camera import look_at_camera, project
from mien_training.footage.metric_scale import metres_per_unit
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def setting():
    template = load_template("anny")
    middle = template.vertices.mean(0)
    cameras = [
        look_at_camera(middle + np.array([x, 0.05, 0.8]), middle, 0.4, 400, 300)
        for x in (-0.2, 0.3)
    ]
    places = template.landmarks.positions(template.vertices, template.triangles)
    return template, cameras, np.stack([project(c, places)[0] for c in cameras])


@pytest.mark.parametrize("unit", [1.0, 0.01, 3.7])
def test_the_unit_is_found(setting, unit):
    template, cameras, pixels = setting
    world = [scaled(camera, 1 / unit) for camera in cameras]
    assert metres_per_unit(template, world, pixels) == pytest.approx(unit, rel=1e-4)


def test_one_camera_knows_no_scale(setting):
    template, cameras, pixels = setting
    with pytest.raises(InputError, match="two cameras"):
        metres_per_unit(template, cameras[:1], pixels[:1])
