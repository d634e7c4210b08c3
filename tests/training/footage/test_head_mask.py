"""Masks of stills: from alpha, from an image beside them, or none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien_training.footage.head_mask import head_mask

ALPHA = np.zeros((6, 8), np.uint8)
ALPHA[2:5, 3:6] = 255


def test_alpha_and_a_picture_beside_say_the_same(tmp_path):
    plain = Image.new("RGB", (8, 6), (90, 80, 70))
    plain.save(tmp_path / "plain.png")
    Image.fromarray(ALPHA).save(tmp_path / "mask.png")
    plain.putalpha(Image.fromarray(ALPHA))
    plain.save(tmp_path / "cut.png")
    np.testing.assert_array_equal(head_mask(tmp_path / "cut.png"), ALPHA > 0)
    found = head_mask(tmp_path / "plain.png", tmp_path / "mask.png")
    np.testing.assert_array_equal(found, ALPHA > 0)
    assert head_mask(tmp_path / "plain.png") is None and head_mask(Path("film.mp4")) is None


def test_masks_of_every_kind_of_picture_are_read(tmp_path):
    grey = Image.fromarray(ALPHA)
    black = Image.new("L", grey.size)
    kinds = {
        "opaque": Image.merge("RGBA", [grey, grey, grey, Image.new("L", grey.size, 255)]),
        "cut_out": Image.merge("RGBA", [black, black, black, grey]),
        "colours": Image.merge("RGB", [grey, grey, grey]),
        "bits": grey.convert("1"),
    }
    for name, picture in kinds.items():
        picture.save(tmp_path / f"{name}.png")
        found = head_mask(tmp_path / "still.png", tmp_path / f"{name}.png")
        np.testing.assert_array_equal(found, ALPHA > 0, name)
    palette = Image.new("RGB", grey.size, (9, 9, 9)).convert("P")
    palette.putdata((ALPHA == 0).ravel().tolist())
    palette.save(tmp_path / "palette.png", transparency=1)
    np.testing.assert_array_equal(head_mask(tmp_path / "palette.png"), ALPHA > 0)


def test_invalid_masks_are_refused(tmp_path):
    Image.new("L", (8, 6)).save(tmp_path / "black.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InputError, match=r"black\.png: marks no pixel"):
        head_mask(tmp_path / "still.png", tmp_path / "black.png")
    with pytest.raises(InputError, match=r"text\.png: not an image"):
        head_mask(tmp_path / "text.png")
    Image.effect_noise((64, 64), 50).save(tmp_path / "whole.png")
    damaged = bytearray((tmp_path / "whole.png").read_bytes())
    damaged[45:80] = bytes(35)
    (tmp_path / "damaged.png").write_bytes(damaged)
    with pytest.raises(InputError, match=r"damaged\.png: not an image"):
        head_mask(tmp_path / "still.png", tmp_path / "damaged.png")
    with pytest.raises(InputError, match=r"mask of film\.mp4"):
        head_mask(tmp_path / "film.mp4", tmp_path / "black.png")
