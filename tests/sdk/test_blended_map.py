"""Heights as codes: back to half a code, whatever they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.blended_map import BlendedMap, height_codes

SPAN_M = (-0.0009765625, 0.00048828125)  # of float32


@given(st.lists(st.floats(*SPAN_M, width=32), min_size=4, max_size=4))
def test_heights_come_back_to_half_a_code(values):
    heights = np.array(values, np.float32).reshape(2, 2)
    codes = height_codes(heights, *SPAN_M)
    half = 0.5 * (SPAN_M[1] - SPAN_M[0]) / 65535
    found = BlendedMap(2, codes, *SPAN_M).displacement
    rounding = np.spacing(np.float32(SPAN_M[0]))  # metres are float32
    np.testing.assert_allclose(found, heights, atol=half + abs(rounding), rtol=0)


def test_the_ends_are_the_first_and_the_last_code():
    heights = np.array([[SPAN_M[0], SPAN_M[1]], [-1, 1]], np.float32)
    np.testing.assert_array_equal(height_codes(heights, *SPAN_M), [[0, 65535], [0, 65535]])


@pytest.mark.parametrize("height", [0.0, 2e-4])
def test_level_skin_keeps_its_height(height):
    codes = height_codes(np.full((2, 2), height, np.float32), height, height)
    found = BlendedMap(2, codes, height, height).displacement
    np.testing.assert_array_equal(found, np.full((2, 2), height, np.float32))


def test_normals_alone_have_no_heights():
    assert BlendedMap(2, normal_codes=np.zeros((2, 2, 3), np.uint8)).displacement is None
