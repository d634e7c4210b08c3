"""Images hold the maps to their precision, in all sizes, and normals point where heights fall."""

import io

import numpy as np
import pytest
from PIL import Image
from support.wrinkles import MASK_SIDE, REGIONS, SIDE, sphere_detail

from mien.detail_entry import PARTS
from mien.detail_images import read_heights, read_masks
from mien_exporters.detail.detail_files import DETAIL_MAP, detail_files, normal_image


@pytest.fixture(scope="module")
def made():
    run = sphere_detail()
    return run, *detail_files(run, run.channel_names, 16, least_size=8)


def test_displacement_to_a_step_of_16_bits(made):
    run, files, entry = made
    for k, part in enumerate(PARTS):
        one = entry.find(part, "displacement")
        assert one.size == SIDE
        step = (one.high_m - one.low_m) / 65535
        found = read_heights(files[one.file], one, one.file)
        np.testing.assert_allclose(found, run.maps[k], atol=0.51 * step + 1e-10)


def test_coarser_maps_are_means(made):
    run, files, entry = made
    sizes = sorted({m.size for m in entry.maps})
    assert sizes == [8, 16, SIDE]
    one = entry.find("static", "displacement", 16)
    mean = run.maps[0].reshape(16, 2, 16, 2).mean((1, 3))
    np.testing.assert_allclose(read_heights(files[one.file], one, ""), mean, atol=2e-8)


def test_masks_to_a_step_of_8_bits(made):
    run, files, entry = made
    found = read_masks(files[entry.masks.file], entry.masks, len(REGIONS), "")
    assert found.shape == (len(REGIONS), MASK_SIDE, MASK_SIDE)
    np.testing.assert_allclose(found, run.masks, atol=0.5 / 255)


def test_entry_passes_its_own_check_and_names_every_file(made):
    _, files, entry = made
    entry.check("here", tuple(files))
    assert set(files) == {
        "detail.onnx",
        DETAIL_MAP,
        entry.masks.file,
        *(m.file for m in entry.maps),
    }
    assert DETAIL_MAP not in detail_files(sphere_detail(), ("jawOpen",), None)[0]


def test_normals():
    slope = np.tile(np.linspace(0, 1e-2, SIDE, dtype=np.float32), (SIDE, 1))
    tangents = np.zeros((2, 2, SIDE, SIDE), np.float32)
    tangents[0, 0], tangents[1, 1] = 6, -5
    rising_right = normal_image(slope, tangents)[5, 5].astype(float) / 127.5 - 1
    assert rising_right[0] < -0.04 and abs(rising_right[1]) < 0.005  # leans to the left
    rising_down = normal_image(slope.T, tangents)[5, 5].astype(float) / 127.5 - 1
    assert rising_down[1] > 0.03  # leans up: green is up
    level = normal_image(np.zeros((8, 8), np.float32), tangents[..., :8, :8])
    assert (level == [128, 128, 255]).all()
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(level)))), level)


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
