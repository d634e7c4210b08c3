"""The whole head, every usable frame in time, and a camera that fits the pixels."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.avatar.film.mesh_masks import mesh_masks
from mien_training.avatar.film.read_film import head_crop, read_film
from mien_training.cameras.camera import Camera
from mien_training.footage.own_footage import OwnFootage, own_footage
from mien_training.templates.person import read_person

SIZE = 128


@pytest.fixture(scope="module")
def person(filmed):
    return read_person(filmed.rig)[0]


@pytest.fixture(scope="module")
def own(filmed):
    return own_footage(filmed.rig)


@pytest.fixture(scope="module")
def film(person, own):
    return read_film(person, own, SIZE)


def changed(own, **values):
    return OwnFootage(replace(own.performance, **values), own.sources)


def test_every_frame_comes_and_the_last_fifth_is_held_out(film, filmed):
    film, crops = film
    count = len(filmed.truth.images)
    assert len(film) == count and film.side == SIZE
    assert film.held_out == range(count - count // 5, count)
    np.testing.assert_array_equal(film.weights, filmed.truth.weights)
    assert (film.alpha, film.known, film.plate) == (None, None, None)
    (cut,) = crops
    assert cut.source == filmed.film
    np.testing.assert_array_equal(cut.frames, np.arange(count))
    np.testing.assert_array_equal(cut.rows, np.arange(count))


def test_the_mesh_lies_on_the_head(film, filmed):
    """Seen by the film's cameras it covers the pixels that are not of the wall."""
    film, _ = film
    covered = mesh_masks(film).covered
    view = head_view(film, filmed)
    for frame in (0, 20, 60):
        alpha = view(filmed.truth.alpha[frame])
        assert (covered[frame] & (alpha > 0.5)).sum() > 0.985 * covered[frame].sum()


def head_view(film, filmed):
    """Brings an image of the whole film to the film's crop, by nearest pixels."""
    scale = film.K[0, 0, 0] / filmed.camera.K[0, 0]
    corner = filmed.camera.K[:2, 2] - film.K[0, :2, 2] / scale
    columns, rows = (np.floor(corner[n] + (np.arange(SIZE) + 0.5) / scale).astype(int)
                     for n in (0, 1))  # fmt: skip
    inside = np.ix_((rows >= 0) & (rows < 128), (columns >= 0) & (columns < 128))

    def view(image):
        found = np.zeros((SIZE, SIZE), image.dtype)
        found[inside] = image[np.ix_(rows, columns)] if inside[0].size == inside[1].size == SIZE \
            else image[rows.clip(0, 127)][:, columns.clip(0, 127)][inside]  # fmt: skip
        return found

    return view


def test_the_crop_holds_the_head_with_room_for_hair(person, own, filmed):
    performance = own.performance
    posed = performance.posed(person, performance.usable)
    crop = head_crop(person, filmed.camera, posed)
    view = crop.view(SIZE)
    face = person.landmarks.positions(person.vertices, person.triangles)
    upper = person.vertices[:, 1] > np.nanmin(face[:, 1])
    at = posed[:, upper] @ view.camera_from_world[:3, :3].T + view.camera_from_world[:3, 3]
    pixels = (at / at[..., 2:]) @ view.K[:2].T
    assert pixels.min() > 0.05 * SIZE and pixels.max() < 0.95 * SIZE
    far = Camera(filmed.camera.K / np.array([[2], [2], [1]]), filmed.camera.camera_from_world, 64,
                 64)  # fmt: skip
    assert head_crop(person, far, posed).side == pytest.approx(crop.side / 2)


def test_frames_come_in_the_order_of_time(person, own):
    backwards = own.performance.time_s[::-1].copy()
    film, (cut,) = read_film(person, changed(own, time_s=backwards), SIZE)
    straight, _ = read_film(person, own, SIZE)
    np.testing.assert_array_equal(film.images, straight.images[::-1])
    np.testing.assert_array_equal(film.weights, straight.weights[::-1])
    np.testing.assert_array_equal(cut.rows, np.arange(len(film))[::-1])
    np.testing.assert_array_equal(cut.frames, np.arange(len(film)))


def test_lost_frames_are_left_out(person, own, film):
    lost = np.isin(np.arange(64), [3, 17])
    fewer, (cut,) = read_film(person, changed(own, lost=lost), SIZE)
    assert len(fewer) == 62
    np.testing.assert_array_equal(cut.frames, np.flatnonzero(~lost))
    np.testing.assert_array_equal(fewer.weights, film[0].weights[~lost])


def test_short_films_are_refused(person, own):
    trusted = np.arange(64) < 59
    with pytest.raises(InputError, match=r"film: 59 frames .* expected at least 60: film longer"):
        read_film(person, changed(own, trusted=trusted), SIZE)


def test_small_faces_are_refused(person, own):
    with pytest.raises(InputError, match=r"the face is \d\d pixels high in squares of 64, .* 64"):
        read_film(person, own, 64)


def test_a_performance_of_other_shapes_is_refused(person, own):
    fewer = replace(person, shape_names=person.shape_names[:-1],
                    shape_deltas=person.shape_deltas[:-1])  # fmt: skip
    with pytest.raises(InputError, match="shapes are not the"):
        read_film(fewer, own, SIZE)
