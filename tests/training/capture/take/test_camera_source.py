"""One camera's pictures: by row, of one size, without distortion beyond k1 and k2."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from support.captured_takes import SIDE, ring_of_cameras

from mien.errors import InputError
from mien.video import VideoWriter
from mien_training.cameras.lens import Lens, LensCamera
from mien_training.cameras.undistort import lens_map, undistort
from mien_training.capture.take.camera_source import open_source


@pytest.fixture
def camera():
    return ring_of_cameras()[0]


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.mp4"
    with VideoWriter(path, 30) as writer:
        for n in range(7):
            writer.write(np.full((SIDE, SIDE, 3), 30 * n, np.uint8))
    return path


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "cam").mkdir()
    rng = np.random.default_rng(0)
    for n in range(3, 6):
        image = rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8)
        Image.fromarray(image).save(tmp_path / "cam" / f"{n}.png")
    return tmp_path / "cam"


def test_frames_of_a_film_by_row(film, camera):
    source = open_source(film, camera)
    assert source.frames.tolist() == list(range(7))
    chosen = source.at([1, 4, 6])
    found = [int(np.rint(image.mean() / 30)) for image in chosen.images(range(3))]
    assert found == [1, 4, 6] == chosen.frames.tolist()
    assert len(list(chosen.images([]))) == 0
    np.testing.assert_allclose(chosen.times_s, np.array([1, 4, 6]) / 30, atol=1e-6)


def test_a_film_that_ends_early_is_named(film, camera):
    source = open_source(film, camera)
    longer = replace(source, frames=np.arange(9), times_s=np.arange(9) / 30)
    with pytest.raises(InputError, match=r"film\.mp4: ends before frame 7"):
        list(longer.images(range(9)))


def test_pictures_of_another_size(pictures, film, camera):
    other = replace(camera, width=SIDE + 8)
    for path in (pictures, film):
        with pytest.raises(InputError, match=f"{SIDE} x {SIDE} pixels, expected {SIDE + 8} x"):
            open_source(path, other)
    Image.new("RGB", (SIDE, 5)).save(pictures / "4.png")
    source = open_source(pictures, camera)
    with pytest.raises(InputError, match=r"4\.png: 24 x 5 pixels, expected"):
        list(source.images(range(3)))


def test_a_lens_of_more_terms_is_taken_out(pictures, camera):
    lens = LensCamera(
        camera.K, camera.camera_from_world, SIDE, SIDE, lens=Lens(k1=-0.2, k2=0.1, p1=0.01, k3=0.05)
    )
    plain, bent = open_source(pictures, camera), open_source(pictures, lens)
    assert not bent.camera.distorts and type(bent.camera) is not LensCamera
    (before,), (after,) = plain.images([0]), bent.images([0])
    np.testing.assert_array_equal(after, undistort(before, lens_map(lens)))
    assert (after != before).any()
    radial = replace(camera, k1=-0.1)
    (kept,) = open_source(pictures, radial).images([0])
    np.testing.assert_array_equal(kept, before)


def test_the_digest_is_of_what_is_read(pictures, film, camera):
    source = open_source(pictures, camera)
    whole, part = source.digest(), source.at([0, 1]).digest()
    Image.new("RGB", (SIDE, SIDE)).save(pictures / "5.png")
    assert source.digest() != whole and source.at([0, 1]).digest() == part
    assert open_source(film, camera).digest() == open_source(film, camera).at([0]).digest()
