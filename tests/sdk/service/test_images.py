"""Images from clients: the usual formats, and nothing that costs more than it may."""

import io

import numpy as np
import pytest
from PIL import Image

from mien.budget import Budget
from mien.errors import InputError
from mien.service.images import decoded_image, encode_image
from mien.service.statuses import LimitError


def encoded(format_, size=(20, 10), mode="RGB"):
    rng = np.random.default_rng(0)
    shape = (size[1], size[0], len(mode)) if len(mode) > 1 else (size[1], size[0])
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, shape, np.uint8), mode).save(buffer, format_)
    return buffer.getvalue()


def decode_image(data, max_pixels):
    with decoded_image(data, max_pixels) as image:
        return image


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_formats(format_):
    assert decode_image(encoded(format_), 200).shape == (10, 20, 3)


def test_png_is_exact_and_grey_becomes_rgb():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    np.testing.assert_array_equal(decode_image(buffer.getvalue(), 4), image)
    assert decode_image(encoded("PNG", mode="L"), 200).shape == (10, 20, 3)


def test_too_many_pixels_are_refused_before_decoding():
    # The header alone claims 60,000 x 60,000: there is nothing to decode behind it.
    import struct
    import zlib

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(InputError):
        decode_image(bomb, 1 << 24)
    with pytest.raises(InputError, match="20 x 10 pixels, at most 199"):
        decode_image(encoded("PNG"), 199)


@pytest.mark.parametrize("data", [b"", b"hello", encoded("GIF"), encoded("PNG")[:60]])
def test_what_is_no_picture(data):
    with pytest.raises(InputError, match="not a valid JPEG or PNG or WEBP image"):
        decode_image(data, 1 << 20)


def test_encoded_pictures_come_back_nearly_as_they_were():
    y, x = np.mgrid[0:48, 0:64]
    image = np.stack([4 * x, 5 * y, 255 - 2 * x - 2 * y], axis=2).clip(0, 255).astype(np.uint8)
    back = decode_image(encode_image(image), image.size)
    assert np.abs(back.astype(int) - image).mean() < 3
    with pytest.raises(InputError, match=r"expected uint8 \(H, W, 3\)"):
        encode_image(image[..., 0])


def test_a_budget_holds_while_an_image_is_decoded():
    budget = Budget(8 * 250, "bytes", "server", LimitError)
    with decoded_image(encoded("PNG"), 200, budget) as image:
        assert image.shape == (10, 20, 3) and budget.spent == 8 * 200
        with pytest.raises(LimitError, match="image of 20 x 10 pixels: needs 1600 bytes"):
            with decoded_image(encoded("JPEG"), 200, budget):
                pass
    assert budget.spent == 0
    for bad in (b"", encoded("PNG")[:60]):
        with pytest.raises(InputError), decoded_image(bad, 200, budget):
            pass
    assert budget.spent == 0
