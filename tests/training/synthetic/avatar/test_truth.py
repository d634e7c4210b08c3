"""Images agree with their alpha, masks and vertices; wrinkles change what they should."""

import numpy as np
import pytest

from mien.deform import blend
from mien.errors import InputError
from mien_training.cameras import project


def test_shapes(somebody, frames):
    assert frames.images.shape == (3, 128, 128, 3) and frames.images.dtype == np.uint8
    assert frames.alpha.shape == frames.masks.region.shape == (3, 128, 128)
    assert frames.vertices.shape == (3, *somebody.neutral.shape)
    assert len(frames.cameras) == 3


def test_alpha_is_soft_and_holds_the_hair(frames):
    hair = frames.masks.mask("hair")
    assert hair.mean() > 0.08
    assert frames.alpha[hair].mean() > 0.9
    inside = (frames.alpha > 0.05) & (frames.alpha < 0.95)
    assert 0.01 < inside.mean() < 0.2
    head = frames.masks.mask("head")
    assert (head == (frames.alpha > 0.5)).mean() > 0.98


def test_the_background_shows_through_alpha(somebody, weights, cameras, frames):
    colours = np.array([(255, 0, 0), (0, 255, 0), (10, 10, 200)], np.uint8)
    other = somebody.perform(weights, frames.angles, cameras, colours, compare=False)
    np.testing.assert_array_equal(other.alpha, frames.alpha)
    empty, full = frames.alpha == 0, frames.alpha == 1
    for t in range(3):
        assert (other.images[t][empty[t]] == colours[t]).all()
        np.testing.assert_array_equal(other.images[t][full[t]], frames.images[t][full[t]])
    assert not other.masks.changed.any()


def test_vertices_lie_where_the_image_shows_them(somebody, frames):
    iris = somebody.template.regions["iris"]
    for t, camera in enumerate(frames.cameras):
        pixels, _ = project(camera, frames.vertices[t][iris])
        at = np.floor(pixels).astype(int)
        shown = frames.masks.mask("eyes")[t][at[:, 1], at[:, 0]]
        assert shown.mean() > 0.4  # lids cover some


def test_vertices_follow_weights_and_head(somebody, frames, weights):
    person = somebody.wrinkled.person
    first = np.unique(person.source, return_index=True)[1]
    rest = blend(person.rig, weights)[:, first]
    for t in range(3):
        m = frames.world_from_head[t]
        np.testing.assert_allclose(frames.vertices[t], rest[t] @ m[:3, :3].T + m[:3, 3], atol=1e-5)


def test_only_moving_wrinkles_count_as_changed(somebody, frames, weights, cameras):
    changed = frames.masks.changed
    assert not changed[0].any()  # the neutral has none that move
    for t in (1, 2):
        assert 10 < changed[t].sum() < 0.1 * changed[t].size
        assert frames.masks.mask("skin")[t][changed[t]].mean() > 0.6
        assert not changed[t][frames.alpha[t] == 0].any()
    resting = somebody.perform(weights, frames.angles, cameras, wrinkles="resting")
    np.testing.assert_array_equal(resting.masks.changed, changed)
    difference = np.abs(resting.images.astype(int) - frames.images).max(-1)
    assert (difference >= 3)[changed].all() and not (difference >= 3)[~changed].any()
    smooth = somebody.perform(weights[:1], frames.angles[:1], cameras[0], wrinkles="none")
    assert np.abs(smooth.images[0].astype(int) - frames.images[0]).max() > 3


def test_the_same_call_gives_the_same_images(somebody, frames, weights, cameras):
    again = somebody.perform(weights[1:2], frames.angles[1:2], cameras[1])
    np.testing.assert_array_equal(again.images[0], frames.images[1])
    np.testing.assert_array_equal(again.masks.region[0], frames.masks.region[1])


def test_other_shapes_are_refused(somebody, weights, cameras):
    angles = np.zeros((3, 3))
    with pytest.raises(InputError, match="angles"):
        somebody.perform(weights, angles[:2], cameras)
    with pytest.raises(InputError, match="2 cameras for 3 frames"):
        somebody.perform(weights, angles, cameras[:2])
    with pytest.raises(InputError, match="'deep', expected moving"):
        somebody.perform(weights, angles, cameras, wrinkles="deep")
