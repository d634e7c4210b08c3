"""Shoulders enclose the neck's end, lie below the face, and are broader than the head."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.synthetic.capture.occluders.shoulders import draw_shoulders


@pytest.mark.parametrize("seed", range(3))
def test_a_torso_hangs_below_the_face(anny, seed):
    torso = draw_shoulders(anny, anny.vertices, seed)
    points, v = torso.vertices, anny.vertices
    chin = v[anny.regions["lips"], 1].min()
    assert points[:, 1].max() < chin
    assert np.ptp(points[:, 0]) > 1.5 * np.ptp(v[:, 0])
    assert points[:, 1].min() < v[:, 1].min() - 0.1
    assert torso.goes_with == "body" and torso.mesh.part == "clothes"


def test_the_collar_stands_around_the_neck(anny):
    torso = draw_shoulders(anny, anny.vertices, 0)
    rim = torso.vertices.reshape(-1, 48, 3)[1]
    low = anny.vertices[anny.regions["neck"]]
    low = low[low[:, 1] < low[:, 1].min() + 0.02]
    assert rim[:, 0].max() > low[:, 0].max() and rim[:, 0].min() < low[:, 0].min()
    assert rim[:, 2].max() > low[:, 2].max()


def test_torsos_differ_and_repeat(anny):
    one, same, other = (draw_shoulders(anny, anny.vertices, s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.vertices, same.vertices)
    assert np.abs(one.vertices - other.vertices).max() > 0.005
    assert not np.array_equal(one.mesh.material.base_color, other.mesh.material.base_color)


def test_a_face_without_a_neck_is_refused(anny):
    none = np.zeros(len(anny.vertices), np.bool_)
    face = replace(anny, regions={**anny.regions, "neck": none})
    with pytest.raises(InputError, match="no neck"):
        draw_shoulders(face, face.vertices, 0)
