"""Shapes are checked; the head alone is what its image was made of."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.avatar.film.avatar_film import AvatarFilm

COUNT, SIDE = 5, 16


@pytest.fixture
def film(head_template):
    """A head of one colour, half covered pixels among it, before a wall of another."""
    rng = np.random.default_rng(0)
    alpha = rng.uniform(0, 1, (COUNT, SIDE, SIDE, 1))
    colour, wall = rng.uniform(0, 1, (2, SIDE, SIDE, 3))
    image = alpha * colour + (1 - alpha) * wall
    turns = np.tile(np.eye(4), (COUNT, 1, 1))
    turns[:, :3, :3] = np.linalg.qr(rng.normal(size=(COUNT, 3, 3)))[0]
    return AvatarFilm(
        head_template, np.rint(255 * image).astype(np.uint8),
        np.rint(255 * alpha[..., 0]).astype(np.uint8), None, np.rint(255 * wall).astype(np.uint8),
        np.tile(np.eye(3), (COUNT, 1, 1)), turns, rng.uniform(0, 1, (COUNT, 2)).astype(np.float32),
        4,
    ), alpha * colour  # fmt: skip


def test_the_head_alone_is_found_again(film):
    film, wanted = film
    found = np.stack([film.premultiplied(f).numpy() for f in range(COUNT)])
    np.testing.assert_allclose(found, wanted, atol=2.5 / 255)
    alpha = film.alpha[..., None] / 255
    assert (found >= 0).all() and (found <= alpha + 1e-6).all()
    # An image outside of what coverage and wall allow stays premultiplied.
    dark = replace(film, images=np.zeros_like(film.images))
    assert (dark.premultiplied(0) == 0).all()
    bright = replace(film, images=np.full_like(film.images, 255))
    assert (bright.premultiplied(0).numpy() <= alpha[0] + 1e-6).all()


def test_without_a_wall_coverage_is_all_that_is_known(film):
    film, _ = film
    image = film.images[2] / 255
    found = replace(film, plate=None).premultiplied(2).numpy()
    np.testing.assert_allclose(found, image * film.alpha[2][..., None] / 255, atol=1e-6)
    found = replace(film, plate=None, alpha=None).premultiplied(2).numpy()
    np.testing.assert_allclose(found, image, atol=1e-6)


@pytest.mark.parametrize("name", ["images", "alpha", "known", "plate", "K", "camera_from_rig",
                                  "weights"])  # fmt: skip
def test_other_shapes_are_refused(film, name):
    film, _ = film
    value = getattr(film, name)
    if value is None:
        value = np.ones((COUNT, SIDE, SIDE), np.bool_)
        assert replace(film, **{name: value}).known is value
    with pytest.raises(InputError, match=rf"AvatarFilm: {name} .*, expected"):
        replace(film, **{name: value[..., :-1]})


def test_what_is_held_out_follows_what_is_learnt(film):
    film, _ = film
    assert len(film) == COUNT and film.side == SIDE
    assert film.held_out == range(4, 5)
    assert not replace(film, training=COUNT).held_out
    for training in (0, COUNT + 1):
        with pytest.raises(InputError, match=f"training {training}, expected 1 to 5"):
            replace(film, training=training)


def test_vertices_codes_and_cameras_are_those_of_the_frames(film):
    film, _ = film
    person = film.person
    found = film.vertices([3, 1]).numpy()
    wanted = person.vertices + np.einsum("bk,kvx->bvx", film.weights[[3, 1]], person.shape_deltas)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    codes = film.codes([3, 1])
    assert codes.shape == (2, 2 + 6) and codes.dtype == torch.float32
    np.testing.assert_array_equal(codes[:, :2], film.weights[[3, 1]])
    turn = codes[0, 2:].reshape(3, 2).numpy()
    np.testing.assert_allclose(turn, film.camera_from_rig[3, :3, :2], atol=1e-7)
    assert film.camera(3).camera_from_world is not None
    np.testing.assert_array_equal(film.camera(3).camera_from_world, film.camera_from_rig[3])
