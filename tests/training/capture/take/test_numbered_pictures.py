"""Pictures in the order of their numbers, without gaps."""

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien_training.capture.take.numbered_pictures import (
    numbered_pictures,
    picture_size,
    read_picture,
)


def folder_of(tmp_path, *names):
    for name in names:
        Image.new("RGB", (4, 3)).save(tmp_path / name)
    return tmp_path


def test_numbers_count_as_numbers_and_other_digits_do_not(tmp_path):
    names = [f"cam7_{n}_v2.png" for n in (9, 10, 11)]
    found = numbered_pictures(folder_of(tmp_path, *names))
    assert [path.name for path in found.paths] == names and found.numbers == (9, 10, 11)


def test_equal_steps_are_no_gaps(tmp_path):
    assert numbered_pictures(folder_of(tmp_path, "0.png", "5.png", "10.jpg")).numbers == (0, 5, 10)


def test_a_single_picture_needs_no_number(tmp_path):
    folder = folder_of(tmp_path, "still.png")
    (folder / "._still.png").write_bytes(b"what some systems leave")
    assert numbered_pictures(folder).paths == numbered_pictures(folder / "still.png").paths


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("1.png", "2.png", "4.png"), "missing between 2.png and 4.png"),
        (("1.png", "01.png", "2.png"), "have one number"),
        (("a1.png", "b1.png"), "differ in more than a number"),
        (("1_1.png", "2_2.png"), "differ in 2 numbers"),
        ((), "no pictures"),
    ],
)
def test_names_that_do_not_tell_the_order(tmp_path, names, told):
    with pytest.raises(InputError, match=told):
        numbered_pictures(folder_of(tmp_path, *names))


def test_sizes_are_those_of_the_upright_picture(tmp_path):
    turned = Image.new("RGB", (6, 4))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert picture_size(tmp_path / "turned.jpg") == (4, 6)
    assert read_picture(tmp_path / "turned.jpg").shape == (6, 4, 3)
    (tmp_path / "no.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"no\.png: not an image"):
        picture_size(tmp_path / "no.png")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_of_16_bits_keeps_its_range(tmp_path, suffix):
    ramp = np.linspace(0, 65535, 12).astype(np.uint16).reshape(3, 4)
    Image.fromarray(ramp).save(tmp_path / f"grey{suffix}")
    found = read_picture(tmp_path / f"grey{suffix}")
    np.testing.assert_array_equal(found, np.repeat((ramp >> 8)[..., None], 3, 2))
