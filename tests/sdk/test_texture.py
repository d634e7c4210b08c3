"""PNG and JPEG pixels, within a budget."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from mien.budget import Budget
from mien.errors import InputError
from mien.texture import read_texture

PIXELS = np.random.default_rng(0).integers(0, 256, (150, 7, 4), np.uint8)


def encoded(mode: str, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS if "A" in mode else PIXELS[..., :3]).convert(mode).save(
        buffer, form, **options
    )
    return buffer.getvalue()


def budget(limit: int = 1 << 20) -> Budget:
    return Budget(limit, "bytes", "a.glb")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_every_mode_becomes_rgb_or_rgba(mode: str) -> None:
    shown = Image.fromarray(PIXELS if "A" in mode else PIXELS[..., :3]).convert(mode)
    expected = np.asarray(shown.convert("RGBA" if "A" in mode else "RGB"))
    spent = budget()
    found = read_texture(encoded(mode), "images[0]", spent)
    np.testing.assert_array_equal(found, expected)
    assert spent.spent == found.nbytes  # the decoder's part was given back


def test_jpeg() -> None:
    found = read_texture(encoded("RGB", "JPEG", progressive=True), "images[0]", budget())
    assert found.shape == (150, 7, 3)


def test_the_declared_size_is_charged_before_decoding() -> None:
    head = struct.pack(">II5B", 8000, 8000, 8, 2, 0, 0, 0)
    png = bytearray(encoded("RGB"))
    png[16:29] = head
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    message = r"images\[0\]: 8000 x 8000 pixels: needs 448000000 bytes"
    with pytest.raises(InputError, match=message):
        read_texture(bytes(png), "images[0]", budget())


def test_many_small_ones_are_charged_together() -> None:
    data, spent = encoded("RGB"), budget(19_000)
    for _ in range(4):
        read_texture(data, "images[0]", spent)
    with pytest.raises(InputError, match=r"expected at most 19000"):
        read_texture(data, "images[0]", spent)


def test_text_that_unpacks_to_megabytes_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "a" * 900_000, zip=True)

    def refuse(self: object, pos: int, length: int) -> bytes:
        raise AssertionError("text was unpacked")

    monkeypatch.setattr(PngImagePlugin.PngStream, "chunk_zTXt", refuse)
    assert read_texture(encoded("RGB", pnginfo=info), "images[0]", budget()).shape == (150, 7, 3)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a" + bytes(20), encoded("RGB")[:200], b"\x89PNG\r\n\x1a\n"]
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^images\[0\]: is not a readable PNG or JPEG"):
        read_texture(data, "images[0]", budget())
