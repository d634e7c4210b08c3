"""Images of heads, cropped to the face."""

import io

import numpy as np
import pytest
from PIL import Image
from support.rig_scene import small_person

from mien_training.cameras.camera import project
from mien_training.head import MATERIALS
from mien_training.reports.head_stills import (
    GROUND,
    clay_materials,
    draw_vertex_colours,
    face_camera,
    jpeg_bytes,
    png_bytes,
)


@pytest.fixture(scope="module")
def person():
    return small_person()


@pytest.mark.parametrize("yaw", [0.0, 0.75])
def test_the_face_fills_the_picture(person, yaw):
    camera = face_camera(person, 100, yaw)
    points = person.vertices[person.regions["lips"] | person.regions["brows"]]
    pixels, _ = project(camera, points)
    assert (pixels > 2).all() and (pixels < 98).all()
    assert np.ptp(pixels[:, 1]) > 50
    # From the image's right, the nose points to the left.
    nose = person.vertices[person.vertices[:, 2].argmax()]
    assert (project(camera, nose)[0][0] < 45) == (yaw > 0)


def test_the_crop_has_room_for_every_head(person):
    heads = person.vertices + person.shape_deltas
    camera = face_camera(person, 100, heads=heads)
    chin = person.landmarks.positions(heads[1], person.triangles)[152]
    assert 90 < project(camera, chin)[0][1] < 100


def test_vertex_colours_are_those_of_the_vertices(person):
    red = np.tile(np.float32([1, 0, 0]), (len(person.vertices), 1))
    image = draw_vertex_colours(person.vertices, person.triangles, red, face_camera(person, 64))
    assert image.shape == (64, 64, 3)
    assert image[32, 32, 0] > 150 and (image[32, 32, 1:] == 0).all()
    assert (image[5, 1] == GROUND).all()


def test_clay_has_grey_skin_and_eyes_with_a_gaze(person):
    clay = clay_materials(person)
    assert [m.name for m in clay] == list(MATERIALS)
    assert clay[MATERIALS.index("skin")].base_color is None
    assert clay[MATERIALS.index("eye")].base_color is not None


def test_png_round_trip():
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png_bytes(image)))), image)


def test_jpeg_keeps_thin_coloured_lines():
    image = np.full((64, 64, 3), 120, np.uint8)
    image[:, 32] = (70, 210, 255)
    found = np.asarray(Image.open(io.BytesIO(jpeg_bytes(image)))).astype(int)
    assert np.abs(found - image).mean() < 4 and np.abs(found[:, 32] - (70, 210, 255)).max() < 40
