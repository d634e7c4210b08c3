"""Somebody whose wrinkles are known: their images follow from weights, and show the relief."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import project
from mien_training.synthetic.relief.wrinkled_person import WrinkledPerson
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template

SIDE = 64


@pytest.fixture(scope="module")
def somebody():
    return WrinkledPerson.make(load_template("anny"), 4, 0.9, 256)


@pytest.fixture(scope="module")
def weights(somebody):
    rows = np.zeros((3, len(somebody.person.rig.shape_names)), np.float32)
    index = somebody.person.rig.shape_index
    rows[1, [index["browInnerUp"], index["browOuterUpLeft"], index["browOuterUpRight"]]] = 1
    rows[2, [index["mouthSmileLeft"], index["mouthSmileRight"]]] = 0.7
    return rows


@pytest.fixture(scope="module")
def photographs(somebody, weights):
    angles = np.array([(0, 0, 0), (0.3, 0, 0), (-0.3, 0.1, 0)], np.float64)
    scene = RandomScene(5, size=192)
    return [somebody.photograph(weights, angles, scene, smooth) for smooth in (False, True)]


def test_heights_are_the_maps_under_the_gates(somebody, weights):
    rest, compressed, stretched = somebody.maps(SIDE)
    press, pull = somebody.gate_maps(weights, SIDE)
    heights = somebody.heights(weights, SIDE)
    np.testing.assert_allclose(heights, rest + press * compressed + pull * stretched, atol=1e-9)
    np.testing.assert_array_equal(heights[0], rest)
    assert not press[0].any() and not pull[0].any()
    assert min(press.min(), pull.min()) >= 0 and max(press.max(), pull.max()) < 1 + 1e-6
    assert np.abs(heights[1] - rest).max() > 1e-4


def test_a_seed_is_a_person_and_age_deepens_them(somebody):
    template = somebody.person.template
    again = WrinkledPerson.make(template, 4, 0.9, 64)
    np.testing.assert_array_equal(again.maps(SIDE), somebody.maps(SIDE))
    young = WrinkledPerson.make(template, 4, 0.0, 64)
    assert young.maps(SIDE)[0].std() < 0.5 * somebody.maps(SIDE)[0].std()
    with pytest.raises(InputError, match="age"):
        WrinkledPerson.make(template, 4, 2.0, 64)


def test_the_face_fills_the_image(somebody, photographs):
    frames = photographs[0]
    template = somebody.person.template
    assert frames.images.shape == (3, 192, 192, 3) and frames.images.dtype == np.uint8
    assert frames.vertices.shape == (3, len(template.vertices), 3)
    points = template.landmarks.positions(frames.vertices[0], template.triangles)
    pixels, _ = project(frames.camera, points)
    assert np.nanmin(pixels) > 0 and np.nanmax(pixels) < 192
    assert 0.6 < np.ptp(pixels[np.isfinite(pixels).all(1), 1]) / 192 < 0.85


def test_relief_is_seen_upon_the_skin_and_only_there(photographs):
    wrinkled, smooth = (frames.images.astype(int) for frames in photographs)
    apart = np.abs(wrinkled - smooth).max(-1)
    assert (apart > 4).mean() > 0.02
    assert (apart[:, :8, :8] <= 1).all() and (apart == 0).mean() > 0.2
    np.testing.assert_array_equal(photographs[0].vertices, photographs[1].vertices)
