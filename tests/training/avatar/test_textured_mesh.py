"""A painted mesh is redrawn from its frames; the mean image is their mean."""

from dataclasses import replace

import numpy as np
from scipy import ndimage

from mien_training.avatar.textured_mesh import TexturedMesh, mean_image


def decibels(mesh, film, frame):
    """Away from the outline, whose pixels are of both sides."""
    on = ndimage.binary_erosion(film.alpha[frame] > 0, iterations=4)
    error = (mesh.draw(frame)[..., :3] - film.images[frame] / 255)[on]
    return -10 * np.log10(np.square(error).mean())


def test_a_painted_mesh_is_redrawn(ball_film, ball_atlas):
    mesh = TexturedMesh(ball_film, ball_atlas, every=2)
    for frame in (3, 5):  # between those that it was made of
        assert decibels(mesh, ball_film, frame) > 35
    assert decibels(mesh, ball_film, ball_film.held_out[0]) > 26  # a side that was hardly seen
    image = mesh.draw(5)
    on = ball_film.alpha[5] > 0
    np.testing.assert_array_equal(image[..., 3] > 0.5, on)
    assert (image[~on] == 0).all()


def test_light_that_stays_with_the_camera_is_refitted(ball_film, ball_atlas):
    """Colours by the normal towards the camera, on a ball of one colour."""
    images = np.zeros_like(ball_film.images)
    rows, columns = np.mgrid[:64, :64] + 0.5
    away = ((rows - 32) ** 2 + (columns - 32) ** 2) / 23**2
    for frame, on in enumerate(ball_film.alpha > 0):
        images[frame][on] = np.rint(60 + 140 * np.sqrt(np.maximum(1 - away, 0))[on])[:, None]
    film = replace(ball_film, images=images)
    assert decibels(TexturedMesh(film, ball_atlas, every=2), film, 5) > 26


def test_the_mean_image_is_of_the_training_frames(ball_film):
    found = mean_image(ball_film)
    shown = ball_film.alpha[:9, ..., None] / 255
    np.testing.assert_allclose(
        found[..., :3], (ball_film.images[:9] / 255 * shown).mean(0), atol=1e-5
    )
    np.testing.assert_allclose(found[..., 3:], shown.mean(0), atol=1e-5)
    assert found.dtype == np.float32
