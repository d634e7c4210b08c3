"""Streams that meshoptimizer 1.3.0 (npm) encoded come out as what went in; damaged ones do not."""

import base64

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.templates.gltf.reading.meshopt import decode_view

ATTRIBUTES = (
    "oB8ADipGYn6attLu9dm9oYVpTTEVBiI+WnaSrsrm/eHFqf/fAACNcVU5HRo2KQACIiogIiQiJCJCREJEREQAAAAA"
    "Kgqqqqqqqqqqqqr6qqqqqqq3qqqqrwAAAAC3ABUVVVVVVVVVVVVVAAAAHwBubm5ubm5ubm5ubm5ubm5ubm5ubm5u"
    "bm5ubm5ubm5u//8AAG5ubm5ubm5uHwDDw8PDwcPDw8PBw8PDwcPDw8PBw8PDw8HDw8PBw8PD//8AAMPBw8PDw8HD"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACwBAAA="
)
TRIANGLES = (
    "4f4eEA4QDhAOzh4WDhUOFA7OHhQOFA4UDs4eFA4UDhQO////Dwr+ByH/CNoH4wd/LC0AdodWZ3iphmWJaJgBaQAA"
)
INDICES = "0aGZAiwsC1gsC1gsC1gsC1gsC1gsC1gsC1gsC1gsC1gsAAAAAA=="
OCTAHEDRAL_4 = (
    "oAE///8AI4HccIY7KDyzjZMBP///AGKHj71APkV8Zu6DAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADAB/AA=="
)
OCTAHEDRAL_8 = (
    "oAE///8AQSEv8T5EckHq36YCAX5vMk95AAAVFAE/3/8AJH/mUmUfX1bxVQIGl/T/+OcAABQbHBkAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAuwAAAP8HAAA="
)
QUATERNION = (
    "oAE///8A4fC7TmDROfMQ2PABP///AAMlQA4jPnU4GyoxAT/8/wA0tgXjiolWVRLrAT/8/wAWIS06HBslJjQvAQD/"
    "/ADmmbFEPr7ZAQD//AAwYywJPA43AQDknAAFBgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD/Hw=="
)
EXPONENTIAL = (
    "oAE///8AdW0emUjK3yly+LoBP///ABRIVRkdIiAiHSElAQBCBAABLpJJAAMBPP//AJDojxcu8gmMonwBP///AFTU"
    "41tnqm6A54mfAQ4gQgADAS6SSQADAT///wADXfz8tZCVuoKyeQE///8Ac2pQwlrg4rvdf+UBN85zAAYYAxMUBAEu"
    "kkkAAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA8MjoAPCWbvjw"
)


def decoded(text: str, dtype: str, count: int, stride: int, mode: str, filter_: str = "NONE"):
    data = decode_view(base64.b64decode(text), count, stride, mode, filter_)
    assert len(data) == count * stride
    return np.frombuffer(data, dtype)


def test_attributes_come_back_bit_for_bit():
    i = np.arange(40)
    columns = (i * i * 7 % 60000, i * 5 % 97, 300 - i, i * 40503 & 0xFFFF)
    got = decoded(ATTRIBUTES, "<u2", 40, 8, "ATTRIBUTES").reshape(40, 4)
    np.testing.assert_array_equal(got, np.stack(columns, 1))


def test_triangles_come_back_up_to_their_first_corner():
    grid = [
        corner
        for p in (5 * y + x for y in range(4) for x in range(4))
        for corner in ((p, p + 1, p + 5), (p + 1, p + 6, p + 5))
    ]
    expected = [*grid, (20, 3, 11), (7, 500, 2), (24, 23, 1)]
    got = decoded(TRIANGLES, "<u4", 3 * len(expected), 4, "TRIANGLES").reshape(-1, 3).tolist()
    for triangle, wanted in zip(got, expected, strict=True):
        assert tuple(triangle) in {wanted[k:] + wanted[:k] for k in range(3)}


def test_indices_come_back():
    got = decoded(INDICES, "<u2", 30, 2, "INDICES")
    np.testing.assert_array_equal(got, [i * 11 if i % 3 else 9000 - i for i in range(30)])


@pytest.mark.parametrize(
    ("text", "dtype", "stride", "top"),
    [(OCTAHEDRAL_4, "i1", 4, 127), (OCTAHEDRAL_8, "<i2", 8, 32767)],
)
def test_octahedral_normals(text, dtype, stride, top):
    i = np.arange(12)
    a, b = 0.5 * i + 0.1, 1.7 * i
    normals = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], 1)
    got = decoded(text, dtype, 12, stride, "ATTRIBUTES", "OCTAHEDRAL").reshape(12, 4)[:, :3] / top
    assert np.abs(got - normals).max() < (0.02 if stride == 4 else 0.001)


def test_quaternions():
    i = np.arange(12)
    a, b = 0.25 * i, 1.7 * i
    turns = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), 0 * a, np.cos(a)], 1)
    got = decoded(QUATERNION, "<i2", 12, 8, "ATTRIBUTES", "QUATERNION").reshape(12, 4) / 32767
    assert np.abs(np.abs((got * turns).sum(1)) - 1).max() < 1e-4


def test_exponential_floats():
    i, k = np.arange(12)[:, None], np.arange(3)[None]
    values = np.sin(i + 2 * k) * 10.0 ** (k - 1)
    got = decoded(EXPONENTIAL, "<f4", 12, 12, "ATTRIBUTES", "EXPONENTIAL").reshape(12, 3)
    assert np.abs(got - values).max() < 1e-4


def test_damage_is_a_typed_error():
    """Cut off, prolonged, with flipped bytes, with other claims: InputError or other numbers."""
    rng = np.random.default_rng(0)
    for text, count, stride, mode in (
        (ATTRIBUTES, 40, 8, "ATTRIBUTES"), (TRIANGLES, 105, 4, "TRIANGLES"),
        (INDICES, 30, 2, "INDICES"),
    ):  # fmt: skip
        whole = base64.b64decode(text)
        for length in range(0, len(whole), 3):
            with pytest.raises(InputError):
                decode_view(whole[:length], count, stride, mode)
        with pytest.raises(InputError):
            decode_view(b"\x00" + whole[1:], count, stride, mode)
        for _ in range(200):
            flipped = bytearray(whole)
            flipped[int(rng.integers(len(whole)))] ^= int(rng.integers(1, 256))
            try:
                assert len(decode_view(bytes(flipped), count, stride, mode)) == count * stride
            except InputError:
                pass
        with pytest.raises(InputError):
            decode_view(whole, 10**9 // 3 * 3, stride, mode)


@pytest.mark.parametrize(
    ("stride", "mode", "filter_"),
    [(6, "ATTRIBUTES", "NONE"), (8, "TRIANGLES", "NONE"), (4, "TRIANGLES", "OCTAHEDRAL"),
     (12, "ATTRIBUTES", "QUATERNION"), (4, "LINES", "NONE"), (4, "ATTRIBUTES", "COLOR")],
)  # fmt: skip
def test_layouts_that_do_not_exist(stride, mode, filter_):
    with pytest.raises(InputError, match=r"view 3"):
        decode_view(bytes(99), 9, stride, mode, filter_, "view 3")
