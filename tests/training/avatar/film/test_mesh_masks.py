"""Pixels of the mesh are those that it was drawn on."""

from dataclasses import replace

import numpy as np

from mien_training.avatar.film.mesh_masks import mesh_masks
from mien_training.cameras.camera import Camera, project
from mien_training.head import MATERIALS


def test_the_mesh_covers_what_it_was_drawn_on(ball_film):
    masks = mesh_masks(ball_film)
    np.testing.assert_array_equal(masks.covered, ball_film.alpha > 0)
    assert not (masks.looked_at & ~masks.covered).any()
    assert not (masks.mouth & ~masks.looked_at).any()


def test_eyes_are_looked_at_and_the_tongue_is_the_mouth(ball_film):
    person, side = ball_film.person, ball_film.side
    masks = mesh_masks(ball_film)
    assert not masks.mouth.any()  # it lies within the ball
    eye = person.triangle_material == MATERIALS.index("eye")
    middle = person.vertices[np.unique(person.triangles[eye])].reshape(2, -1, 3).mean(1)
    for frame in range(len(ball_film)):
        camera = Camera(ball_film.K[frame], ball_film.camera_from_rig[frame], side, side)
        moved = middle + ball_film.weights[frame, 1] * np.array([0.01, 0, 0])
        column, row = np.floor(project(camera, moved)[0]).astype(int).T
        assert masks.looked_at[frame, row, column].all()
    assert 0.02 < masks.looked_at.sum() / masks.covered.sum() < 0.3


def test_regions_and_the_mouths_inside(ball_film):
    """A face that is all tongue, and one with lips all over."""
    person = ball_film.person
    tongue = replace(person, triangle_material=np.full_like(
        person.triangle_material, MATERIALS.index("tongue")))  # fmt: skip
    masks = mesh_masks(replace(ball_film, person=tongue))
    np.testing.assert_array_equal(masks.mouth, masks.covered)
    lips = replace(person, regions={"lips": np.ones(len(person.vertices), np.bool_)})
    masks = mesh_masks(replace(ball_film, person=lips))
    np.testing.assert_array_equal(masks.looked_at, masks.covered)
    assert not masks.mouth.any()
