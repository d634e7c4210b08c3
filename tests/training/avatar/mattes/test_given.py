"""Mattes of the user's own: cut as the film is, and checked."""

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien_training.avatar.mattes.given import given_mattes
from mien_training.cameras.camera import look_at_camera
from mien_training.footage.face_crop import FaceCrop

COUNT, SIDE = 4, 40
CROP = FaceCrop(look_at_camera((0, 0, 1), (0, 0, 0), 0.5, SIDE, SIDE), 10.0, 5.0, 20.0)


def write(folder, images):
    folder.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder


def squares(side=SIDE, count=COUNT, size=14):
    """A white square in each image, one pixel further right each time."""
    images = np.zeros((count, side, side), np.uint8)
    for number, image in enumerate(images):
        image[8 : 8 + size, 11 + number : 11 + number + size] = 255
    return images


@pytest.fixture
def film(tmp_path):
    return write(tmp_path / "film", np.zeros((COUNT, SIDE, SIDE, 3), np.uint8))


def test_they_are_cut_as_the_film_is(film, tmp_path):
    mattes = write(tmp_path / "mattes", squares())
    found = given_mattes(mattes, film, CROP, [0, 1, 3], 20)
    np.testing.assert_array_equal(found, squares()[[0, 1, 3], 5:25, 10:30])


def test_colours_count_where_they_are_brightest(film, tmp_path):
    red = np.stack([squares(), 0 * squares(), 0 * squares()], -1)
    found = given_mattes(write(tmp_path / "mattes", red), film, CROP, [2], 20)
    np.testing.assert_array_equal(found[0], squares()[2, 5:25, 10:30])


def test_cut_outs_count_where_they_are_opaque(film, tmp_path):
    """However dark the head is, and however bright what lies hidden beside it."""
    colours = np.full((COUNT, SIDE, SIDE, 3), 230, np.uint8)
    colours[squares() > 0] = 5
    cut = np.concatenate([colours, squares()[..., None]], -1)
    found = given_mattes(write(tmp_path / "mattes", cut), film, CROP, [0, 2], 20)
    np.testing.assert_array_equal(found, squares()[[0, 2], 5:25, 10:30])


def test_alpha_that_hides_nothing_says_nothing(film, tmp_path):
    white = np.stack([*[squares()] * 3, np.full((COUNT, SIDE, SIDE), 255, np.uint8)], -1)
    found = given_mattes(write(tmp_path / "mattes", white), film, CROP, [3], 20)
    np.testing.assert_array_equal(found[0], squares()[3, 5:25, 10:30])


def test_mattes_that_are_not_there(film, tmp_path):
    with pytest.raises(InputError, match="mattes: not there; expected the mattes of film"):
        given_mattes(tmp_path / "mattes", film, CROP, [0], 20)


def test_another_number_of_them(film, tmp_path):
    mattes = write(tmp_path / "mattes", squares(count=3))
    with pytest.raises(InputError, match="3 mattes, expected 4, one per frame of film"):
        given_mattes(mattes, film, CROP, [0], 20)


def test_another_size(film, tmp_path):
    mattes = write(tmp_path / "mattes", squares(side=50))
    with pytest.raises(InputError, match="mattes: frames of 50 x 50, but its camera has 40 x 40"):
        given_mattes(mattes, film, CROP, [0], 20)


def test_an_empty_one(film, tmp_path):
    images = squares()
    images[2] = 0
    with pytest.raises(
        InputError, match=r"the matte of frame 2 covers 0\.0 % .*: white, or opaque, is the head"
    ):
        given_mattes(write(tmp_path / "mattes", images), film, CROP, [1, 2, 3], 20)
