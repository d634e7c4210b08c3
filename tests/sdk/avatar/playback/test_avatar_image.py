"""A picture says that it is synthetic, in its field and in every file, and blends as it should."""

import io

import numpy as np
import pytest
from PIL import Image

from mien.avatar.playback.avatar_image import DIGITAL_SOURCE_TYPE, AvatarImage, is_marked
from mien.errors import InputError

MARK = "Synthetic image of Zoë <&>, made by a trained model (mien)."
LIGHT = np.zeros((4, 6, 4), np.float32)
LIGHT[1] = (0.25, 0.1, 0.0, 0.5)
LIGHT[2] = (1.2, 0.5, 0.0, 1.0)
IMAGE = AvatarImage(LIGHT, MARK)


def test_pixels():
    assert IMAGE.rgba.shape == (4, 6, 4) and IMAGE.rgba.dtype == np.uint8
    assert IMAGE.rgba[0, 0].tolist() == [0, 0, 0, 0]
    assert IMAGE.rgba[1, 0].tolist() == [128, 51, 0, 128]
    assert IMAGE.over((100, 0, 255))[1, 0].tolist() == [114, 26, 128]
    assert IMAGE.over(np.full((4, 6, 3), 9, np.uint8))[2, 5].tolist() == [255, 128, 0]


def test_a_png_carries_the_mark(tmp_path):
    path = IMAGE.write(tmp_path / "a.png")
    assert is_marked(path.read_bytes())
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), IMAGE.rgba)
        assert image.info["Description"] == MARK
        assert image.info["DigitalSourceType"] == DIGITAL_SOURCE_TYPE
        assert "Zoë &lt;&amp;&gt;" in image.info["XML:com.adobe.xmp"]
    bare = io.BytesIO()
    Image.fromarray(IMAGE.rgba).save(bare, "PNG")
    assert not is_marked(bare.getvalue())


def test_other_files_and_backgrounds_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"ending in \.png"):
        IMAGE.write(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"expected \(3,\) or"):
        IMAGE.over((1, 2))
    with pytest.raises(InputError, match="expected uint8"):
        IMAGE.over((0.5, 0.5, 0.5))
